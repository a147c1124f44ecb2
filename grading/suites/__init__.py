"""Pytest's side: whose code is tested, the `kata` fixture, the order of learning, the board, running from Python."""

from grading.machine import interrupts

if interrupts.is_program("pytest", "py.test"):
    interrupts.install()  # before torch is imported, which takes seconds
