"""What goes wrong in exercises/loss.py."""
