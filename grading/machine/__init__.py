"""What every room asks of the machine: whole files, threads, interrupts."""
