"""The reference: the same five modules as `exercises/`, filled in. One equation per line."""
