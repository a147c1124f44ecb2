"""The process that students' tests run in: an order in JSON on standard input, JSON lines on standard output.

Run as `python -m grading.proving.session`. Whoever started it ends it when it does not come back.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    files = json.load(sys.stdin)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)  # what a test prints must not pass for an answer
    sys.dont_write_bytecode = True
    import torch

    from grading.proving import implementations
    from grading.proving.pytest_run import run_file

    torch.set_num_threads(1)

    def tell(task: str, **message: Any) -> None:
        answers.write(json.dumps({"task": task, **message}) + "\n")

    for task, function, path in files:
        known = implementations.of(function)
        calls = [one.call for one in known.rights] + [one.call for one in known.wrongs]
        rights, wrongs = [(r.name, r.why) for r in known.rights], [(w.slip, w.ask) for w in known.wrongs]
        tell(task, kind="begin", rights=rights, wrongs=wrongs)
        run_file(Path(path), function, calls, lambda message, task=task: tell(task, **message))  # type: ignore[misc]
        tell(task, kind="done")


if __name__ == "__main__":
    main()
