"""A class: collecting, grading many, handing back; releasing copies."""
