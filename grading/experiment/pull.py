"""How much nearer to the data can chosen noise lead? `python -m grading.experiment.pull --network 300` tries it.

A DDPM sampler that knows the data adds to its noise a pull towards them, spread over some of the steps, up to what the
checks of noise_check.py leave unseen. Told are its distance, that of the grader's own walk with the same network, and
the one that counts.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from scipy.spatial import KDTree
from torch import Tensor

from grading.experiment.data import make_dataset
from grading.experiment.networks.training import RECIPES, Trained
from grading.experiment.path.noise_check import BOUND
from grading.experiment.stages import Part, Setting, sample_stage, train_stage
from grading.judging import closed_form
from grading.submission.contract import NoiseSchedule
from grading.submission.implementation import ROOT, Implementation, Replaced

KNOWN = 20_000  # points of the data set that a cheat has written down
WINDOWS = ((0, 100), (0, 300), (97, 300), (0, 1000))  # of t
STRENGTHS = (0.4, 0.7, 1.0)  # of what is seen on average


@dataclass(frozen=True)
class Pull:
    """Noise that leans towards the data while low <= t < high, by `strength` of the bound on so many steps together.

    Attributes:
        far: whether the points that lie farther away are pulled more, in proportion.
    """

    low: int
    high: int
    strength: float
    far: bool = True

    def sampler(self, dataset: str) -> Callable:
        """A ddpm_sample that does it."""
        known = make_dataset(dataset, KNOWN, 77).double()
        tree = KDTree(known.numpy())
        shift = self.strength * BOUND / (self.high - self.low) ** 0.5

        def ddpm_sample(
            model: Callable, x_T: Tensor, schedule: NoiseSchedule, generator: torch.Generator | None = None
        ) -> Tensor:
            x, tables = x_T, NoiseSchedule(*(table.double() for table in schedule))
            for t in reversed(range(len(schedule.betas))):
                eps = model(x, torch.full((len(x),), t))
                x0 = closed_form.predict_x0(x.double(), t, eps.double(), tables)
                mean, variance = closed_form.posterior(x0, x.double(), t, tables)
                noise = torch.randn(x.shape, generator=generator).double()
                if self.low <= t < self.high:
                    field = known[torch.from_numpy(tree.query(x0.numpy())[1])] - x0
                    field = field if self.far else field / field.norm(dim=1, keepdim=True).clamp(min=1e-9)
                    noise = noise + shift * field / field.norm()
                x = (mean + variance**0.5 * noise).float()
            return x

        return ddpm_sample


def tried(pull: Pull, trained: Trained, setting: Setting) -> Part:
    """What the pull comes to with a trained network."""
    cheat = Replaced(ROOT / "solutions", {"ddpm_sample": pull.sampler(setting.dataset)})
    return sample_stage(cheat, "ddpm", trained, setting)


def all_tried(trained: Trained, setting: Setting) -> Iterator[tuple[Pull, Part]]:
    for low, high in WINDOWS:
        for strength in STRENGTHS:
            for far in (True, False):
                pull = Pull(low, high, strength, far)
                yield pull, tried(pull, trained, setting)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m grading.experiment.pull", description=__doc__)
    parser.add_argument("--network", default="300", choices=["300", "course", "kata"], help="which network")
    parser.add_argument("--points", type=int, default=2048, help="how many points (default 2048)")
    options = parser.parse_args(arguments)
    if options.network == "300":
        RECIPES["300"] = replace(RECIPES["kata"], steps=300)
    setting = Setting(recipe=options.network, num_points=options.points)
    trained, failure = train_stage(Implementation(ROOT / "solutions"), setting)
    if trained is None:
        print(failure)
        return 1
    honest = sample_stage(Implementation(ROOT / "solutions"), "ddpm", trained, setting)
    print(f"network {options.network}, {options.points} points, honest {honest.chamfer:.4g}")
    gains = []
    for pull, part in all_tried(trained, setting):
        verdict = "refused" if part.unlawful else f"unseen, counts {part.counted:.4g} (own walk {part.fair:.4g})"
        print(f"  {pull}: {part.chamfer:.4g}, {verdict}", flush=True)
        if not part.unlawful and part.fair and part.counted:
            gains.append((part.fair / (part.chamfer or 1.0), part.fair / part.counted))
    raw, counted = (max(column, default=1.0) for column in zip(*gains)) if gains else (1.0, 1.0)
    print(f"nearer to the data by a factor of {raw:.3g} at the most, unseen; in what counts by {counted:.3g}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
