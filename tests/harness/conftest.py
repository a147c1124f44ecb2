"""At the end of `pytest tests`, print the tables that tests have left in summary.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))


def pytest_terminal_summary(terminalreporter):
    import summary

    for line in summary.lines:
        terminalreporter.write_line(line)


def pytest_sessionfinish(session):
    """In a worker of pytest-xdist: hand the tables to the process that prints (see tests/conftest.py)."""
    import summary

    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["tables"] = summary.lines
