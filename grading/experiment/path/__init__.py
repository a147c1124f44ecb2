"""Did the model lead to the points? A sampler's walk, step by step."""
