"""A synthetic class, a dozen kinds of work in it, no two alike: `python tests/harness/class_of_many.py 300`.

It is made and graded in a folder of its own, as `kata gradebook` does it; then the time is told, and each row that is
not the one that its kind must get.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from class_of_twenty import ALL, FILES, STUBS, appended, changed, put, zipped
from given_checks import given_checks
from judging.test_variants import cells

from grading.classroom.gradebook import Row, Terms, gradebook
from grading.classroom.gradebook.pool import run_here
from grading.experiment.networks.training import RECIPES
from grading.experiment.stages import Setting
from grading.grade.rubric import load_rubric
from grading.isolation import close_servers, server

ENDLESS = "def q_sample(x0, t, schedule, noise):\n    while True:\n        pass"
LEAVES = "import os\n\n\ndef ddim_timesteps(T, num_inference_steps):\n    os._exit(0)"
SAMPLES = {"DDPM", "DDIM"}  # of a network that such a loss has trained, or has not
FIRST_TWO = {name: FILES[name] for name in ("beta_schedule.py", "q_sample.py")}
SQUARES = changed("loss.py", ".square().mean()", ".square().sum()")
VARIANCE = changed("q_sample.py", "(1 - alpha_bar).sqrt()", "(1 - alpha_bar)")
BETA = changed("ddpm_step.py", "variance.sqrt() * noise", "beta.sqrt() * noise")


def odd(number: int) -> dict[str, str]:
    """A right one, a module of it in an odd style."""
    module, _, source = cells()[number % len(cells())]
    return appended(f"{module}.py", source + ("" if "ValueError" in source else given_checks(module, source)))


# kind: (how many of 24, files of the student with a number, what earns nothing; None for a row without a grade)
KINDS = {
    "right": (5, lambda number: FILES, set()),
    "right, odd": (5, odd, set()),
    "1 - alpha_bar": (2, lambda _: VARIANCE, {"2.1", *SAMPLES}),
    "sigma^2 = beta": (2, lambda _: BETA, {"4.1"}),
    "sum for mean": (1, lambda _: SQUARES, {"3.1"}),
    "last step": (1, lambda _: changed("ddim_step.py", "if t_prev >= 0", "if t_prev >= 1"), {"5.2"}),
    "endless": (1, lambda _: appended("q_sample.py", ENDLESS), {"2.1", "3.1", *SAMPLES}),  # its loss calls it
    "leaves": (1, lambda _: appended("ddim_step.py", LEAVES), {"5.1", "5.3", "DDIM"}),
    "syntax error": (1, lambda _: appended("loss.py", "def ("), ALL - {"1.1", "1.2", "1.3", "1.4", "2.1", "4.1", "4.2",
                                                                      "5.1", "5.2", "5.3"}),
    "half done": (2, lambda _: FIRST_TWO, ALL - {"1.1", "1.2", "1.3", "1.4", "2.1"}),
    "stubs": (2, lambda _: STUBS, ALL),
    "no files": (1, lambda _: {}, None),
}  # fmt: skip


def build(folder: Path, size: int) -> dict[str, str]:
    """Write the class; the kind of each student by name. A third of them hand in a zip."""
    kinds = [kind for kind, (share, *_) in KINDS.items() for _ in range(share)]
    random.Random(0).shuffle(kinds)
    students = {f"student {number:03}": kinds[number % len(kinds)] for number in range(size)}
    for number, (name, kind) in enumerate(students.items()):
        files = {file: f"{source}\n# {name}\n" for file, source in KINDS[kind][1](number).items()}
        if number % 3 == 0 and files:
            (folder / f"{name}.zip").write_bytes(zipped(files))
        else:
            put(folder / name, files or {"notes.txt": name})
    return students


def wrong(row: Row, kind: str) -> str:
    """What is wrong with a row: nothing, if it is the one that its kind must get."""
    nothing = KINDS[kind][2]
    if nothing is None or row.result is None:
        return "" if nothing is None and row.status == "refused" else f"{row.name} ({kind}): {row.status} {row.message}"
    earns = {part.id if hasattr(part, "id") else part.name: part.points for part in row.result.parts}
    empty = {name for name, points in earns.items() if not points}
    return "" if empty == nothing else f"{row.name} ({kind}): nothing for {', '.join(sorted(empty))}; {row.message}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size", type=int, nargs="?", default=24, help="how many students")
    parser.add_argument("--workers", type=int, default=2, help="how many are graded at once")
    options = parser.parse_args()
    terms = Terms(asdict(Setting()), asdict(RECIPES["kata"]), load_rubric())
    server("auto")
    close_servers()
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "class").mkdir()
        students = build(Path(scratch) / "class", options.size)
        began = time.monotonic()

        def told(row: Row, done: int, total: int) -> None:
            print(f"{done:4} of {total}  {time.monotonic() - began:6.0f} s  {students[row.name]}", file=sys.stderr)

        def run(submissions, terms):
            return run_here(submissions, terms, options.workers)

        rows = gradebook(Path(scratch) / "class", Path(scratch) / "out", terms, run, told)
        seconds = time.monotonic() - began
    amiss = [text for row in rows if (text := wrong(row, students[row.name]))]
    print(f"{len(rows)} students with {options.workers} at once: {seconds:.0f} s, {seconds / len(rows):.1f} s each")
    print(", ".join(f"{kind} {count}" for kind, count in Counter(students.values()).items()))
    print("\n".join(amiss) or "every row is the one that its kind must get")
    return bool(amiss)


if __name__ == "__main__":
    sys.exit(main())
