"""One object with the eleven functions, whoever wrote them: the tests and the experiment see nothing else."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from grading.contract import MODULE_OF, MODULES
from grading.devices import Watch, on_meta
from grading.errors import UsageError, submission_error
from grading.loader import Loader

ROOT = Path(__file__).resolve().parent.parent
NAMED = ("exercises", "solutions")


class Implementation:
    """A submission loaded in this process, so that breakpoints work. Names resolve when first called.

    `implementation.q_sample(...)` calls the submission's function; whatever it raises comes out as SubmissionError.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._loader = Loader(folder)

    def __getattr__(self, name: str) -> Callable:
        if name not in MODULE_OF:
            raise AttributeError(f"the contract has no function {name}")

        def call(*args, **kwargs):
            function = self._loader.function(MODULE_OF[name], name)
            watch = Watch(name, self.folder) if on_meta((*args, *kwargs.values())) else None
            try:
                with watch or nullcontext():
                    result = function(*args, **kwargs)
            except (KeyboardInterrupt, GeneratorExit):
                raise
            except BaseException as error:
                raise submission_error(name, error, self.folder) from error
            if watch:
                watch.check(result)
            return result

        call.__name__ = name
        return call


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
