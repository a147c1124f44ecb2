"""The reference: the same modules as `exercises/`, filled in. One equation per line."""
