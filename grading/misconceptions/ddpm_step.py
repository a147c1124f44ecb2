"""What goes wrong in exercises/ddpm_step.py."""
