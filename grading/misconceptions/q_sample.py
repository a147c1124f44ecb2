"""What goes wrong in exercises/q_sample.py."""
