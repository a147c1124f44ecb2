"""Options, fixtures and board of the kata: see grading/pytest_plugin.py."""

pytest_plugins = ["grading.pytest_plugin"]
