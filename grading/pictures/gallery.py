"""What `kata plot`, `kata compare` and the notebook draw: each picture from one implementation's own functions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch import Tensor

from grading.experiment.networks.network_cache import trained_network
from grading.experiment.networks.training import Progress, Trained, TrainingFailed
from grading.experiment.sampler_comparison import STEPS, Comparison, compare, walk, walks
from grading.experiment.stages import SAMPLERS, Experiment, Setting, conclude, sample_stage
from grading.experiment.watched_network import Network, SamplesRejected, check_samples
from grading.judging import closed_form
from grading.judging.closed_form import DatasetDenoiser
from grading.machine.files import write_whole
from grading.pictures import samples_over_data, save
from grading.pictures.forward import forward_process, schedules
from grading.pictures.guesses import guesses
from grading.pictures.player import page_html, player_html
from grading.pictures.reverse import clouds, paths, save_gif
from grading.submission.errors import SubmissionError
from grading.submission.implementation import Implementation, find
from grading.submission.katas import katas, task, task_of

FORWARD = (49, 149, 399, 999)  # where the linear schedule has much, some, little and nothing left of the data
LOSS_AT = range(9, 1000, 30)
EXACT, SHOWN = 600, 16  # points that the exact model knows, and of them those whose guess is drawn
WALKING = 600  # points in a moving picture
PICTURES = (*(kata.picture for kata in katas() if kata.picture), "samples", "paths", "reverse")


class Gallery:
    """One implementation, loaded in this process, and what is to be drawn with it. Trains at most once."""

    troubles = (SubmissionError, SamplesRejected, TrainingFailed)

    def __init__(self, impl: str | Path, setting: Setting, progress: Progress | None = None) -> None:
        self.folder = find(impl)
        self.impl = Implementation(self.folder)
        self.setting, self.progress = setting, progress
        self._untrainable: Exception | None = None

    @cached_property
    def trained(self) -> Trained:
        """A network trained with the implementation's loss, or one kept from before; a failure is not tried again."""
        if self._untrainable:
            raise self._untrainable
        try:
            return trained_network(self.impl, self.folder, self.setting, self.progress)
        except self.troubles as trouble:
            self._untrainable = trouble
            raise

    @cached_property
    def experiment(self) -> Experiment:
        """Both samplers' points, measured as in a grade. A sampler that cannot walk raises as `walks` does."""
        parts = {name: sample_stage(self.impl, name, self.trained, self.setting, self.progress) for name in SAMPLERS}
        if any(part.failure for part in parts.values()):
            assert self.walks  # asks again, for the exception: a part has its sentence alone
        return conclude(self.setting, self.trained, None, **parts)

    @cached_property
    def walks(self) -> dict[str, list[tuple[int, Tensor]]]:
        """Both samplers' ways from the same noise."""
        return self._walks(*SAMPLERS)

    def _walks(self, *samplers: str) -> dict[str, list[tuple[int, Tensor]]]:
        return walks(self.impl, self.trained.network, self.setting, WALKING, self.progress, samplers)

    @cached_property
    def data(self) -> Tensor:
        """Fresh points (n, 2) of the data set, on the CPU."""
        return self.setting.points("held-out", self.setting.num_points).cpu()

    @cached_property
    def exact(self) -> DatasetDenoiser:
        """The best possible model for some points of the data: what a network is trained to be, without training."""
        return DatasetDenoiser(self.setting.points("exact", EXACT), self.setting.schedule)

    # -- figures that need no network ---------------------------------------------------------------------------------

    def schedules_figure(self) -> Figure:
        T = len(self.setting.schedule.betas)
        tables = {}
        for name in ("linear", "quadratic", "cosine"):
            function = f"{name}_beta_schedule"
            betas = check_samples(getattr(self.impl, function)(T), torch.empty(T), function)
            alphas_cumprod = getattr(self.impl.make_schedule(betas), "alphas_cumprod", None)
            tables[name] = (betas, check_samples(alphas_cumprod, torch.empty(T), "make_schedule(betas).alphas_cumprod"))
        return schedules(tables)

    def forward_figure(self) -> Figure:
        schedule, states = self.setting.schedule, [(-1, self.data)]
        x0 = self.data.to(self.setting.device)
        noise = self._noise("forward", x0)
        for step in FORWARD:
            t = torch.full((len(x0),), step, device=x0.device)
            x_t = check_samples(self.impl.q_sample(x0.clone(), t, schedule, noise.clone()), x0, "q_sample")
            states.append((step, x_t.cpu()))
        return forward_process(states, schedule.alphas_cumprod.cpu())

    def guesses_figure(self) -> Figure:
        schedule, x0 = self.setting.schedule, self.exact.points
        noise = self._noise("guesses", x0)
        models: dict[str, Network] = {
            "0": lambda x_t, t: 0 * x_t,
            "$x_t$ itself": lambda x_t, t: x_t,
            "the best possible guess": self.exact,
        }
        losses = {
            name: torch.stack([self._loss(model, x0, step, noise) for step in LOSS_AT])
            for name, model in models.items()
        }
        shown = x0[:SHOWN], torch.full((SHOWN,), FORWARD[1], device=x0.device)
        x_t = closed_form.q_sample(*shown, schedule, noise[:SHOWN])
        guessed = closed_form.predict_x0(x_t, FORWARD[1], self.exact(x_t, shown[1]), schedule)
        points = (x_t.cpu(), shown[0].cpu(), guessed.cpu())
        return guesses(self.data, FORWARD[1], *points, LOSS_AT, losses)

    def _loss(self, model: Network, x0: Tensor, step: int, noise: Tensor) -> Tensor:
        t = torch.full((len(x0),), step, device=x0.device)
        loss = self.impl.ddpm_loss(model, x0.clone(), t, self.setting.schedule, noise.clone())
        return check_samples(loss, x0.mean(), "ddpm_loss").cpu()

    def ddpm_figure(self) -> Figure:
        return clouds(walks(self.impl, self.exact, self.setting, WALKING, samplers=["ddpm"]), self.data)

    def ddim_figure(self) -> Figure:
        rows = {"$\\eta$ = 0: the start decides the end": 0.0, "$\\eta$ = 1: fresh noise at every jump": 1.0}
        found = {says: walk(self.impl, self.exact, self.setting, WALKING, "ddim", eta) for says, eta in rows.items()}
        return clouds(found, self.data)

    def _noise(self, purpose: str, like: Tensor) -> Tensor:
        generator = torch.Generator().manual_seed(self.setting.seed_for(purpose))
        return torch.randn(like.shape, generator=generator).to(like)

    # -- figures of a trained network ---------------------------------------------------------------------------------

    def samples_figure(self) -> Figure:
        return samples_over_data(self.experiment)

    def paths_figure(self) -> Figure:
        return paths(self.walks, self.data)

    def player(self, *samplers: str) -> str:
        """The player of "ddpm" or "ddim" alone, which asks nothing of the other; of both where none is named."""
        return player_html(self._walks(*samplers) if samplers else self.walks, self.data)

    def compare(self, steps: Sequence[int] = STEPS) -> Comparison:
        return compare(self.impl, self.trained.network, self.setting, steps, progress=self.progress)

    # -- files --------------------------------------------------------------------------------------------------------

    def figure(self, name: str) -> Figure:
        """The picture with this name."""
        return getattr(self, f"{name}_figure")()

    def draw(self, name: str, folder: Path) -> list[Path]:
        """Write a picture to a folder: one file, or for `reverse` a moving picture and a page with a slider."""
        if name != "reverse":
            return [save(self.figure(name), folder / f"{name}.png")]
        page = folder / "reverse.html"
        write_whole(page, page_html("The reverse process", self.player()))
        return [save_gif(self.walks, self.data, folder / "reverse.gif"), page]

    def explain(self, trouble: Exception) -> str:
        """What to do about one of `troubles`, in a sentence."""
        if not isinstance(trouble, SubmissionError):
            return str(trouble)
        missing = re.match(r"\d+\.\d+", str(trouble.__cause__)) if trouble.kind == "todo" else None
        blamed = task(missing[0]) if missing else task_of(trouble.function)  # a stub may be one that a function calls
        file = f"{self.folder.name}/{blamed.module}.py"
        if trouble.kind == "todo":
            return f"it needs {blamed.id} {blamed.function}, which is not written yet; open {file}"
        where = f" ({trouble.frames[-1]})" if trouble.frames else ""
        return f"{blamed.id} {blamed.function}: {trouble.message}{where}; open {file}"
