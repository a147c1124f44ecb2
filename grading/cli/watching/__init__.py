"""kata watch: keys, a worker that has torch loaded, one screen at a time."""
