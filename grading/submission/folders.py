"""Where things are: the eleven functions in their five modules, and the folders that --impl names. No torch here."""

from __future__ import annotations

from pathlib import Path

from grading.submission.errors import UsageError

FUNCTIONS: dict[str, tuple[str, ...]] = {
    "beta_schedule": (
        "linear_beta_schedule",
        "quadratic_beta_schedule",
        "cosine_beta_schedule",
        "make_schedule",
    ),
    "q_sample": ("q_sample",),
    "loss": ("ddpm_loss",),
    "ddpm_step": ("ddpm_step", "ddpm_sample"),
    "ddim_step": ("ddim_timesteps", "ddim_step", "ddim_sample"),
}
MODULES = tuple(FUNCTIONS)
MODULE_OF = {function: module for module, functions in FUNCTIONS.items() for function in functions}

ROOT = Path(__file__).resolve().parents[2]
NAMED = ("exercises", "solutions")


def find(name_or_path: str | Path) -> Path:
    """Turn what `--impl` was given into a folder, or raise UsageError."""
    folder = ROOT / name_or_path if str(name_or_path) in NAMED else Path(name_or_path).expanduser()
    accepted = f"give {' or '.join(NAMED)}, or the path of a folder with {', '.join(f'{m}.py' for m in MODULES)}"
    if not folder.exists():
        raise UsageError(f"--impl {name_or_path}: there is no such folder; {accepted}")
    if not folder.is_dir():
        raise UsageError(f"--impl {name_or_path}: that is a file, not a folder; {accepted}")
    if not any((folder / f"{module}.py").exists() for module in MODULES):
        raise UsageError(f"--impl {name_or_path}: that folder has none of the five modules; {accepted}")
    return folder.resolve()
