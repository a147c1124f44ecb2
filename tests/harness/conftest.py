"""At the end of `pytest tests/harness`, print the tables that tests have left in summary.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))


def pytest_terminal_summary(terminalreporter):
    import summary

    for line in summary.lines:
        terminalreporter.write_line(line)
