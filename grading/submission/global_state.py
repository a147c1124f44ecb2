"""What is one for the whole process, and is nobody's to leave changed: it is put back after every call, and said."""

from __future__ import annotations

import warnings

import torch


class GlobalState:
    """Gradients, default dtype, seed, threads and warnings as they are now."""

    def __init__(self) -> None:
        self.grad, self.dtype = torch.is_grad_enabled(), torch.get_default_dtype()
        self.seed, self.threads = torch.initial_seed(), torch.get_num_threads()
        self.filters, self.random = warnings.filters[:], torch.get_rng_state()

    def put_back(self) -> tuple[list[str], list[str]]:
        """What has been left changed: that which falsifies what others do, and that which only annoys them."""
        wrong, odd = [], []
        if torch.is_grad_enabled() != self.grad:
            wrong.append(f"leaves gradients switched {'off' if self.grad else 'on'} for everybody")
            torch.set_grad_enabled(self.grad)
        if torch.get_default_dtype() != self.dtype:
            left = str(torch.get_default_dtype()).removeprefix("torch.")
            wrong.append(f"leaves {left} as the default dtype for everybody")
            torch.set_default_dtype(self.dtype)
        if torch.initial_seed() != self.seed:
            wrong.append("sets torch's seed for everybody")
            torch.default_generator.manual_seed(self.seed)
            torch.set_rng_state(self.random)
        if torch.get_num_threads() != self.threads:
            odd.append(f"leaves torch with {torch.get_num_threads()} threads")
            torch.set_num_threads(self.threads)
        if warnings.filters != self.filters:
            odd.append("leaves the warnings filters changed")
            warnings.filters[:] = self.filters  # type: ignore[index]
            warnings._filters_mutated()  # type: ignore[attr-defined]
        return wrong, odd
