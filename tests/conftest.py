"""With pytest-xdist: print the tables that its workers have left (see harness/summary.py)."""

import pytest

TABLES: list[str] = []


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    TABLES.extend(getattr(node, "workeroutput", {}).get("tables", []))


def pytest_terminal_summary(terminalreporter):
    for line in TABLES:
        terminalreporter.write_line(line)
