"""Tables that the project's own tests leave behind, printed by conftest.py at the end of the run."""

lines: list[str] = []
