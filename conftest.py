"""Options, fixtures and board of the kata: see grading/suites/plugin.py."""

pytest_plugins = ["grading.suites.plugin"]
