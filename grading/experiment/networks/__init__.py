"""Networks, how they are trained with somebody's loss, and where they are kept."""
