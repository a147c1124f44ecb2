"""One answer of a submission: how it is asked for, what is due, which mistake it looks like, what a student reads."""
