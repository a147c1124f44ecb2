"""One answer of a submission: how it is asked for, what is due, which term is wrong, what a student reads."""
