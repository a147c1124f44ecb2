"""How fast the pieces are, as ratios within one run; how good the experiment is, seed by seed; which bugs it can see.

`python -m grading.bench` times, `python -m grading.bench.tables` makes the tables kept here as CSV.
"""
