"""The end of a run whose code cannot be told to end: one sentence with the line, and the process is over."""

from __future__ import annotations

import os
from pathlib import Path
from types import FrameType
from typing import NoReturn

import pytest


class Unstoppable:
    """Called by the call limit, from its thread, with the frame that goes on and on."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    def __call__(self, frame: FrameType | None) -> NoReturn:
        where = ""
        while frame is not None and not where:
            path = Path(frame.f_code.co_filename)
            if not {"site-packages", "grading", "tests"} & {*path.parts[:-1]}:
                where = f" at {path.parent.name}/{path.name}:{frame.f_lineno}"
            frame = frame.f_back
        capture = self.config.pluginmanager.get_plugin("capturemanager")
        if capture:
            capture.suspend_global_capture(in_=True)
        os.write(2, f"\nno answer{where}, and no end: does an `except:` catch everything there?\n".encode())
        os._exit(1)
