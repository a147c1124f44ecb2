"""At the end of `pytest tests`, print the tables that tests have left in summary.py."""

import os
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))


SECONDS = 180


def pytest_configure(config):
    """One thread for each worker of pytest-xdist, and for what it starts: more would only wait for one another."""
    if hasattr(config, "workerinput"):
        os.environ["OMP_NUM_THREADS"] = "1"
        torch.set_num_threads(1)


def pytest_collection_modifyitems(items):
    """A test of the project itself that hangs is ended; the kata's own have a limit for each call."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SECONDS))


def pytest_terminal_summary(terminalreporter):
    import summary

    for line in summary.lines:
        terminalreporter.write_line(line)


def pytest_sessionfinish(session):
    """In a worker of pytest-xdist: hand the tables to the process that prints (see tests/conftest.py)."""
    import summary

    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["tables"] = summary.lines
