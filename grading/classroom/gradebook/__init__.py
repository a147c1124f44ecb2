"""Grade a whole class: `gradebook` takes a folder of submissions and writes a table of them."""

from grading.classroom.gradebook.book import Extras, gradebook
from grading.classroom.gradebook.job import Terms
from grading.classroom.gradebook.rows import Row

__all__ = ["Extras", "Row", "Terms", "gradebook"]
