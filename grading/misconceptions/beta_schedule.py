"""What goes wrong in exercises/beta_schedule.py."""
