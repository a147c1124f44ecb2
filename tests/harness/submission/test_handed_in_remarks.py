"""What works here and will not where it is graded is said before."""

import pytest

from grading.submission.handed_in import remarks
from grading.submission.katas import ROOT
from grading.submission.stubs import write_stubs


@pytest.fixture
def folder(tmp_path):
    write_stubs(tmp_path / "mine")
    return tmp_path / "mine"


def test_stubs_and_solutions_have_no_remark(folder):
    assert remarks(folder) == []
    assert remarks(ROOT / "solutions") == []


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("import utils", "mine/loss.py imports utils: only the five files are handed in"),
        ("from utils import f", "mine/loss.py imports utils: only the five files are handed in"),
        ("from .utils import f", "mine/loss.py imports .utils: only the five files are handed in"),
        ("from . import utils", "mine/loss.py imports .utils: only the five files are handed in"),
        ("from exercises.utils import f", "mine/loss.py imports utils: only the five files are handed in"),
        ("from grading.judging import closed_form", "imports grading.judging: the grader's own code is not there"),
        ("import pandas as pd", "imports pandas: the grader promises torch and Python's own library, no more"),
        ("def f():\n    import pandas", "imports pandas: "),
        ("table = open('table.txt')", "opens a file: where it is graded there are none but the modules"),
        ("table = torch.load('betas.pt')", "opens a file: "),
    ],
)
def test_what_the_grader_lacks_is_named(folder, line, says):
    (folder / "utils.py").write_text("def f(): pass\n", encoding="utf-8")
    path = folder / "loss.py"
    path.write_text(path.read_text(encoding="utf-8") + f"\n\n{line}\n", encoding="utf-8")
    assert len(remarks(folder)) == 1
    assert says in remarks(folder)[0]


@pytest.mark.parametrize(
    "line",
    [
        *("import math", "import torch.nn.functional as F", "from torch import nn", "import numpy as np"),
        *("from q_sample import q_sample", "from .q_sample import q_sample", "from exercises.q_sample import q_sample"),
        *("from . import q_sample", "from exercises import q_sample", "import exercises.q_sample", "x.load(3)"),
    ],
)
def test_what_the_grader_has_is_no_remark(folder, line):
    path = folder / "loss.py"
    path.write_text(path.read_text(encoding="utf-8") + f"\n\n{line}\n", encoding="utf-8")
    assert remarks(folder) == []


@pytest.mark.parametrize(
    "source",
    [
        *(b"\x00", b"x = (", b"'\\d'", b"\xff", b"import " + b"a" * 300, b"import " + b"a" * 30_000),
        *(b"1" + b"+1" * 16_000, b"(" * 16_000, b"-" * 32_000 + b"1", b"a" + b".a" * 16_000, b"import b\n" * 3_000),
        b"import pandas\n" + b"#" * 300_000,
    ],
    ids=lambda source: f"{source[:12]!r}, {len(source)}",
)
def test_no_source_text_breaks_the_reader(folder, source):
    """A grader reads the files of strangers."""
    (folder / "loss.py").write_bytes(source)
    found = remarks(folder)
    assert len(found) <= 1
    assert all(len(remark) <= 200 for remark in found)
