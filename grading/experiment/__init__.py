"""Data, network, training with a submission's loss, sampling with its steps, the distance, the path check."""
