"""What `kata plot`, `kata compare` and the notebook draw: each picture from one implementation's own functions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch import Tensor

from grading.experiment.network_cache import trained_network
from grading.experiment.sampler_comparison import STEPS, Comparison, compare, walks
from grading.experiment.stages import SAMPLERS, Experiment, Setting, conclude, sample_stage
from grading.experiment.training import Progress, Trained, TrainingFailed
from grading.experiment.watched_network import SamplesRejected, check_samples
from grading.pictures import samples_over_data, save
from grading.pictures.forward import forward_process, schedules
from grading.pictures.player import page_html, player_html
from grading.pictures.reverse import paths, save_gif
from grading.submission.errors import SubmissionError
from grading.submission.implementation import Implementation, find
from grading.submission.katas import task, task_of

FORWARD = (49, 149, 399, 999)  # where the linear schedule has much, some, little and nothing left of the data
WALKING = 600  # points in a moving picture


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

    # -- figures ------------------------------------------------------------------------------------------------------

    def forward_figure(self) -> Figure:
        schedule, states = self.setting.schedule, [(-1, self.data)]
        x0 = self.data.to(self.setting.device)
        noise = torch.randn(x0.shape, generator=torch.Generator().manual_seed(self.setting.seed_for("forward"))).to(x0)
        for step in FORWARD:
            t = torch.full((len(x0),), step, device=x0.device)
            x_t = check_samples(self.impl.q_sample(x0.clone(), t, schedule, noise.clone()), x0, "q_sample")
            states.append((step, x_t.cpu()))
        return forward_process(states, schedule.alphas_cumprod.cpu())

    def schedules_figure(self) -> Figure:
        T = len(self.setting.schedule.betas)
        tables = {}
        for name in ("linear", "quadratic", "cosine"):
            function = f"{name}_beta_schedule"
            betas = check_samples(getattr(self.impl, function)(T), torch.empty(T), function)
            alphas_cumprod = getattr(self.impl.make_schedule(betas), "alphas_cumprod", None)
            tables[name] = (betas, check_samples(alphas_cumprod, torch.empty(T), "make_schedule(betas).alphas_cumprod"))
        return schedules(tables)

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

    def forward(self, folder: Path) -> list[Path]:
        return [save(self.forward_figure(), folder / "forward.png")]

    def schedules(self, folder: Path) -> list[Path]:
        return [save(self.schedules_figure(), folder / "schedules.png")]

    def samples(self, folder: Path) -> list[Path]:
        return [save(self.samples_figure(), folder / "samples.png")]

    def paths(self, folder: Path) -> list[Path]:
        return [save(self.paths_figure(), folder / "paths.png")]

    def reverse(self, folder: Path) -> list[Path]:
        from grading.files import write_whole

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
