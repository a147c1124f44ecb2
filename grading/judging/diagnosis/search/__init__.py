"""What was written instead of what is due: a search among small changes of a formula, and among products of powers."""
