"""What a GPU would notice and torch's meta device does not: numbers drawn on the CPU, results that were made there."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode

from grading.submission.contract import NoiseSchedule
from grading.submission.errors import Frame, SubmissionError, frame_of

DRAWS = {"randn", "rand", "randint", "randn_like", "rand_like", "normal", "normal_", "uniform_"}


def on_meta(values: tuple) -> bool:
    """Whether a call is made with tensors or tables that have no values."""
    return any(
        (isinstance(v, Tensor) and v.is_meta) or (isinstance(v, NoiseSchedule) and v.betas.is_meta) for v in values
    )


class Watch(TorchFunctionMode):
    """While a submission works on meta tensors, notice each tensor that it makes elsewhere, and the line that did."""

    def __init__(self, function: str, folder: Path) -> None:
        super().__init__()
        self.function = function
        self.folder = folder
        self.strays: dict[int, tuple[Tensor, Frame | None]] = {}

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and not result.is_meta:
            self.strays.setdefault(id(result), (result, self._line()))
            if getattr(func, "__name__", "") in DRAWS and (kwargs or {}).get("generator") is None:
                raise RuntimeError(f"random numbers drawn on device {result.device}, the inputs are on another")
        return result

    def _line(self) -> Frame | None:
        """The innermost line of the submission that is running."""
        frame = sys._getframe(2)
        while frame is not None and Path(frame.f_code.co_filename).parent != self.folder:
            frame = frame.f_back  # type: ignore[assignment]
        return frame_of(frame.f_code.co_filename, frame.f_lineno, self.folder) if frame else None

    def check(self, result: Any) -> None:
        """Raise SubmissionError if the result, or a table of it, was made elsewhere."""
        tables = [result, *(getattr(result, table, None) for table in NoiseSchedule._fields)]
        for tensor, line in (self.strays[id(table)] for table in tables if id(table) in self.strays):
            message = f"RuntimeError: the result is on device {tensor.device}, the inputs are on another"
            raise SubmissionError(self.function, "crash", message, (line,) if line else ())
