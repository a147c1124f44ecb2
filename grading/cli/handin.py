"""kata handin: the zip to hand in, tried as the grader will try it."""
