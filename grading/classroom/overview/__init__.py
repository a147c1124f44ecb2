"""What a class understood and what it did not, as one page and as JSON."""

from grading.classroom.overview.insight import insight
from grading.classroom.overview.page import class_page

__all__ = ["class_page", "insight"]
