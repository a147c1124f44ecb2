"""Import the modules of a submission, each on its own: one broken file never hides the others.

A module may reach its siblings as `from .q_sample import q_sample`, `from q_sample import q_sample` or
`from exercises.q_sample import q_sample`; all three mean the submission's own. Where a sibling cannot be imported, or
lacks a name of the contract, the grader's stand-in takes its place *for the other modules only*.
"""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import linecache
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from grading.submission import fallbacks
from grading.submission.call_limit import Overdue
from grading.submission.errors import SubmissionError, describe, frames_within
from grading.submission.global_state import GlobalState
from grading.submission.katas import FUNCTIONS, MODULES

_PACKAGE_NAMES = ("exercises", "solutions")
_numbers = itertools.count(1)


class Loader:
    """The modules in one folder, imported when first asked for, under a package name of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.errors: dict[str, BaseException] = {}
        self._package = f"submission_{next(_numbers)}"
        self._loaded: dict[str, ModuleType] = {}
        self._missing: set[str] = set()
        self._wanted: str | None = None
        root = ModuleType(self._package)
        root.__path__ = [str(folder)]
        sys.modules[self._package] = root

    def function(self, module: str, name: str):
        """Return the submission's own function, or raise SubmissionError of kind `load`."""
        loaded = self._load(module, name)
        if f"{module}.{name}" in self._missing:
            message = f"{self.folder.name}/{module}.py does not define {name}"
            raise SubmissionError(name, "load", message)
        candidate = getattr(loaded, name)
        if not callable(candidate):
            message = f"{name} in {self.folder.name}/{module}.py is {type(candidate).__name__}, not a function"
            raise SubmissionError(name, "load", message)
        return candidate

    def _load(self, module: str, name: str) -> ModuleType:
        if module in self._loaded:
            return self._loaded[module]
        if module not in self.errors:
            self._wanted, before = module, GlobalState()
            try:
                with self._imports_of_siblings():
                    self._loaded[module] = importlib.import_module(f"{self._package}.{module}")
                return self._loaded[module]
            except (KeyboardInterrupt, GeneratorExit):
                raise
            except BaseException as raised:
                self.errors.setdefault(module, raised)
            finally:
                before.put_back()
        error = self.errors[module]
        if isinstance(error, FileNotFoundError) and error.filename == str(self.folder / f"{module}.py"):
            message = f"there is no file {module}.py in {self.folder.name}/"
        else:
            message = f"{self.folder.name}/{module}.py cannot be imported: {describe(error)}"
        kind = "timeout" if isinstance(error, Overdue) else "load"
        raise SubmissionError(name, kind, message, frames_within(error, self.folder)) from error

    # -- the import system's side -------------------------------------------------------------------------------------

    def find_spec(self, fullname: str, path=None, target=None) -> ModuleSpec | None:
        package, _, module = fullname.rpartition(".")
        if package in (self._package, "", *_PACKAGE_NAMES, self.folder.name) and module in MODULES:
            return importlib.util.spec_from_loader(fullname, self)  # type: ignore[arg-type]
        if fullname in (*_PACKAGE_NAMES, self.folder.name):
            return importlib.util.spec_from_loader(fullname, self, is_package=True)  # type: ignore[arg-type]
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        package, _, stem = module.__name__.rpartition(".")
        if stem not in MODULES:
            return  # the bare package `exercises`: nothing to run
        if package != self._package:
            sys.modules[module.__name__] = importlib.import_module(f"{self._package}.{stem}")
            return
        try:
            self._run(module, stem)
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:
            self.errors[stem] = error
            if stem == self._wanted:
                raise
        self._missing |= {f"{stem}.{name}" for name in FUNCTIONS[stem] if not hasattr(module, name)}
        for name, fallback in vars(fallbacks).items():
            if name in (*FUNCTIONS[stem], "NoiseSchedule") and not hasattr(module, name):
                setattr(module, name, fallback)

    def _run(self, module: ModuleType, stem: str) -> None:
        """Compile from source each time: a cached .pyc can be stale after a change within one second."""
        path = self.folder / f"{stem}.py"
        source = path.read_bytes()
        module.__file__ = str(path)
        linecache.checkcache(str(path))
        exec(compile(source, str(path), "exec", dont_inherit=True), module.__dict__)

    @contextmanager
    def _imports_of_siblings(self) -> Iterator[None]:
        """While a module loads, sibling names mean this submission; before and after, whatever they meant."""
        ours = {*MODULES, *_PACKAGE_NAMES, self.folder.name} - {self._package}
        aside = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] in ours}
        sys.meta_path.insert(0, self)  # type: ignore[arg-type]
        try:
            yield
        finally:
            sys.meta_path.remove(self)  # type: ignore[arg-type]
            for name in [name for name in sys.modules if name.partition(".")[0] in ours]:
                del sys.modules[name]
            sys.modules.update(aside)
