"""What goes wrong in exercises/ddim_step.py."""
