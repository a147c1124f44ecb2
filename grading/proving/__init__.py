"""Students' own tests of the kata, judged: right implementations must pass them, wrong ones must not.

`implementations/` has both kinds, one file for each function; `session` runs a file of tests on them with pytest, in a
process of its own; `run` starts that process and ends it; `verdict` says what came of it, `screen` in words.
"""
