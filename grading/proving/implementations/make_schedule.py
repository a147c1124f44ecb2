"""1.4 make_schedule: alpha = 1 - beta, alpha_bar = the running product of alpha."""

from types import SimpleNamespace
from typing import NamedTuple

import torch
from torch import Tensor

from grading.proving.implementations import right, wrong

EXAMPLE = '''
def test_there_is_one_alpha_bar_for_each_beta(make_schedule):
    """Three steps have three alpha_bars."""
    assert make_schedule(torch.tensor([0.1, 0.2, 0.3])).alphas_cumprod.shape == (3,)
'''


def check(betas):
    if betas.ndim != 1:
        raise ValueError("betas must be one-dimensional")


class Tables(NamedTuple):
    """What a schedule has to have."""

    betas: Tensor
    alphas: Tensor
    alphas_cumprod: Tensor


@right("the one that calls cumprod", "it is the docstring's formula: allow 1e-6")
def by_cumprod(betas):
    return Tables(betas, 1 - betas, torch.cumprod(1 - betas, 0))


@right("the one that adds logarithms", "a product is the exp of a sum of logs, off by rounding: allow 1e-5")
def by_logarithms(betas):
    alphas = 1.0 - betas
    return Tables(betas.clone(), alphas, alphas.log().cumsum(0).exp())


@right("the one that multiplies in a loop", "it rounds after each product: allow 1e-6")
def by_loop(betas):
    kept, products = torch.ones_like(betas[:1]), []
    for alpha in 1 - betas:
        kept = kept * alpha
        products.append(kept)
    return Tables(betas, 1 - betas, torch.cat(products))


@right("the one that returns no tuple", "anything with these three attributes will do: ask by name, do not unpack")
def a_namespace(betas):
    alphas = -betas + 1
    return SimpleNamespace(alphas_cumprod=alphas.cumprod(-1), alphas=alphas, betas=betas)


@right("the one that works in float64 and casts back", "it is nearer to the exact numbers: allow 1e-6")
def in_float64(betas):
    alphas = 1 - betas.double()
    return Tables(betas, alphas.to(betas), alphas.cumprod(0).to(betas))


@wrong("the betas are multiplied up, not the alphas", "With betas of 0.1 and 0.2, how much is left after two steps?")
def product_of_betas(betas):
    return Tables(betas, 1 - betas, betas.cumprod(0))


@wrong("alpha_bar lags a step behind: it starts at 1", "What is left after the first step alone?")
def lags_behind(betas):
    products = (1 - betas).cumprod(0)
    return Tables(betas, 1 - betas, torch.cat([torch.ones_like(products[:1]), products[:-1]]))


@wrong("each alpha_bar is 1 minus the sum of the betas so far", "Can alpha_bar fall below 0, after many steps?")
def sum_for_product(betas):
    return Tables(betas, 1 - betas, 1 - betas.cumsum(0))


@wrong("the square root of alpha_bar, where alpha_bar is due", "With one step only, what are alpha and alpha_bar?")
def root_of_it(betas):
    return Tables(betas, 1 - betas, (1 - betas).cumprod(0).sqrt())


@wrong("it changes the betas that it was given", "Are the arguments after the call what they were before?")
def changes_its_argument(betas):
    alphas = betas.neg_().add_(1)
    return Tables(1 - alphas, alphas, alphas.cumprod(0))
