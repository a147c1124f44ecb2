"""Pytest's side: whose code is tested, the `kata` fixture, the order of learning, the board, running from Python."""
