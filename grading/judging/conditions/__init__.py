"""Under which conditions a function is asked (factors), with which arguments, and what is wrong with its answers."""
