"""What goes wrong in make_schedule."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from grading.submission.contract import NoiseSchedule
from wrong_forms import looks_like, register

Table = Callable[[Tensor], Tensor]


def schedule(betas: Table = lambda b: b, alphas: Table = lambda b: 1 - b, bar: Table | None = None) -> Callable:
    """The three tables with one of them replaced; each is worked out from beta."""

    def wrong(betas_: Tensor) -> NoiseSchedule:
        return NoiseSchedule(betas(betas_), alphas(betas_), (bar or running_product)(betas_))

    return lambda betas: wrong(betas)


def running_product(betas: Tensor) -> Tensor:
    return (1 - betas).cumprod(0)


def one_first(alpha_bar: Tensor) -> Tensor:
    return torch.cat([torch.ones_like(alpha_bar[:1]), alpha_bar])


for name, says, wrong in (
    ("running_sum", "cumsum where cumprod belongs", schedule(bar=lambda b: (1 - b).cumsum(0))),
    ("product_of_betas", "the running product of beta where that of alpha belongs",
     schedule(bar=lambda b: b.cumprod(0))),
    ("whole_product", "prod, one number, where cumprod belongs", schedule(bar=lambda b: (1 - b).prod())),
    ("shifted_by_one", "alpha_bar[t - 1] where alpha_bar[t] belongs: step t itself is left out",
     schedule(bar=lambda b: one_first(running_product(b))[:-1])),
    ("leading_one", "a table of length T + 1 that starts with 1",
     schedule(bar=lambda b: one_first(running_product(b)))),
    ("backwards", "alpha_bar that runs from T - 1 down to 0", schedule(bar=lambda b: running_product(b).flip(0))),
    ("product_from_the_end", "the product of all alphas from t on, where that up to t belongs",
     schedule(bar=lambda b: (1 - b).flip(0).cumprod(0).flip(0))),
    ("never_multiplied", "alpha where alpha_bar belongs: the product is missing", schedule(bar=lambda b: 1 - b)),
    ("power_of_alpha", "alpha_t^(t + 1) where the product of all alphas up to t belongs",
     schedule(bar=lambda b: (1 - b) ** (torch.arange(len(b), device=b.device) + 1))),
    ("root_of_alpha_bar", "sqrt(alpha_bar) where alpha_bar belongs", schedule(bar=lambda b: running_product(b).sqrt())),
    ("rest_of_alpha_bar", "1 - alpha_bar where alpha_bar belongs", schedule(bar=lambda b: 1 - running_product(b))),
    ("rest_of_the_sum", "1 - cumsum(beta): that is the product only as long as beta is small",
     schedule(bar=lambda b: 1 - b.cumsum(0))),
    ("exponential_of_the_sum", "exp(-cumsum(beta)): that is the product only as long as beta is small",
     schedule(bar=lambda b: (-b.cumsum(0)).exp())),
    ("product_of_roots_in_alphas", "sqrt(1 - beta) where alpha = 1 - beta belongs",
     schedule(alphas=lambda b: (1 - b).sqrt())),
    ("product_of_roots", "sqrt(1 - beta) where alpha = 1 - beta belongs, in alphas and in their product",
     schedule(alphas=lambda b: (1 - b).sqrt(), bar=lambda b: (1 - b).sqrt().cumprod(0))),
    ("betas_as_alphas", "beta where alpha = 1 - beta belongs", schedule(alphas=lambda b: b)),
    ("square_in_alphas", "1 - beta^2 where alpha = 1 - beta belongs", schedule(alphas=lambda b: 1 - b**2)),
    ("betas_lost", "alpha in the place of betas", schedule(betas=lambda b: 1 - b)),
    ("tables_exchanged", "alphas and alphas_cumprod in each other's place",
     schedule(alphas=running_product, bar=lambda b: 1 - b)),
    ("made_on_the_cpu", "a table moved to the CPU (.cpu(), .numpy())",
     schedule(bar=lambda b: running_product(b).cpu())),
    ("float32_always", "float32 always, whatever the dtype of betas", schedule(betas=lambda b: b.float(),
     alphas=lambda b: 1 - b.float(), bar=lambda b: running_product(b.float()))),
    ("float64_always", "float64 always, whatever the dtype of betas",
     schedule(bar=lambda b: running_product(b.double()))),
):  # fmt: skip
    register("make_schedule", name, says, "DDPM section 2", wrong)


@looks_like(
    "make_schedule", "a plain tuple or dict: the tables are asked for by name, as in schedule.alphas", "NoiseSchedule"
)
def without_names(betas: Tensor) -> tuple:
    return betas, 1 - betas, running_product(betas)


@looks_like("make_schedule", "betas overwritten by alphas (an operation such as mul_ or -=)", "alpha = 1 - beta")
def changed_in_place(betas: Tensor) -> NoiseSchedule:
    kept = betas.clone()
    alphas = betas.mul_(-1).add_(1)
    return NoiseSchedule(kept, alphas, alphas.cumprod(0))
