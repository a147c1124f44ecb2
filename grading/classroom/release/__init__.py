"""Make what is handed out: the student's repository, and an autograder for Gradescope."""

from grading.classroom.release.gradescope import release_gradescope
from grading.classroom.release.student import release_student

__all__ = ["release_gradescope", "release_student"]
