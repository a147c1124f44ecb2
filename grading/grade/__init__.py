"""Suites, experiment and rubric: one plain Result."""
