"""Grade a whole class: `gradebook` takes a folder of submissions and writes a table of them."""

from grading.gradebook.book import gradebook
from grading.gradebook.job import Terms
from grading.gradebook.rows import Row

__all__ = ["Row", "Terms", "gradebook"]
