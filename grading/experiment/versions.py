"""What an experiment's numbers depend on, apart from its setting."""

from __future__ import annotations

import platform

import numpy as np
import torch


def versions() -> dict[str, str]:
    """What the numbers depend on, apart from the seed."""
    import scipy

    return {
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "machine": platform.machine(),
        "threads": str(torch.get_num_threads()),
    }
