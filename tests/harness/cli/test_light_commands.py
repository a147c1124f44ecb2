"""What needs no torch does not wait for it; what needs no hypothesis does not either."""

import subprocess
import sys

import pytest

from grading.submission.folders import ROOT

RUN = """
import sys
from grading.cli import main
sys.argv = ["kata", *sys.argv[1:]]
try:
    main()
finally:
    print(*({"torch", "hypothesis", "scipy", "sklearn", "matplotlib"} & set(sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize("arguments", [["--help"], ["hint", "1.1", "--all"], ["diff", "--help"], ["reset", "--help"]])
def test_a_command_that_only_reads_the_table_imports_nothing_heavy(arguments):
    made = subprocess.run([sys.executable, "-c", RUN, *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    assert made.stdout.strip()
    assert made.stderr.strip() == ""


def test_the_first_screen_imports_no_hypothesis():
    """Nor does a test that a stub ends, or the summary: it takes half as long to import as torch."""
    code = "import sys, pytest; pytest.main(['-q']); print('hypothesis' in sys.modules)"
    made = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert made.stdout.strip().splitlines()[-1] == "False"
