"""Pictures of what the student's own code does, drawn with matplotlib and no display."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from grading.pictures.samples import loss_curve, samples_over_data
from grading.pictures.style import save

if TYPE_CHECKING:
    from grading.experiment.stages import Experiment

__all__ = ["loss_curve", "samples_over_data", "save", "write_pictures"]


def write_pictures(experiment: Experiment, folder: Path) -> list[Path]:
    """Write samples.png and loss.png, whatever of the experiment went well; return their paths."""
    return [
        save(samples_over_data(experiment), folder / "samples.png"),
        save(loss_curve(experiment.losses), folder / "loss.png"),
    ]
