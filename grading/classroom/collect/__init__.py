"""Find out who handed in what, in whatever shape a class comes: `collect` makes one row a student."""

from grading.classroom.collect.choose import NotASubmission, files_in
from grading.classroom.collect.collect import collect
from grading.classroom.collect.student import Submission, readable, slug

__all__ = ["NotASubmission", "Submission", "collect", "files_in", "readable", "slug"]
