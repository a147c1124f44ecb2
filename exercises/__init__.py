"""Your modules. Start with beta_schedule.py, run `pytest`, and follow what it says."""
