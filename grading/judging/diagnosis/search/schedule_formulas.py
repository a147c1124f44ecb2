"""The formulas of kata 1 and of the timesteps, in the form that a search can change; and where they are measured."""

from functools import partial
from math import pi

import numpy as np

from grading.judging.diagnosis.search.formulas import Formula
from grading.judging.diagnosis.search.values import Numbers

BETAS = (0.03, 0.2, 0.1, 0.35, 0.25, 0.4, 0.15)
LINES = ("linear_beta_schedule", "quadratic_beta_schedule")
CALLS: dict[str, tuple[tuple, ...]] = {
    **dict.fromkeys(LINES, ((7, 0.1, 0.4), (12, 0.3, 0.05), (5, 0.2, 0.25))),
    "cosine_beta_schedule": ((7, 0.05, 0.9), (12, 0.0, 0.97), (9, 0.2, 0.95)),
    "ddim_timesteps": ((10, 3), (12, 4), (11, 4), (13, 5), (20, 3), (30, 7), (17, 6)),
}
EDGES: dict[str, tuple[tuple, ...]] = {  # where something else may hold; the defaults first
    **dict.fromkeys(LINES, ((1000,), (1, 0.1, 0.4), (2, 0.1, 0.4), (6, 0.3, 0.95), (300, 1e-4, 0.02))),
    "cosine_beta_schedule": ((1000,), (1, 0.1, 0.9), (2, 0.1, 0.9), (300, 0.008, 0.999)),
    "ddim_timesteps": ((9, 1), (6, 6), (1, 1), (1000, 50), (7, 5)),
}
NAMES = {
    "T_less": "(T - 1)", "T_more": "(T + 1)", "S_less": "(S - 1)", "t_next": "(t + 1)", "t_back": "(T - 1 - t)",
    "i_next": "(i + 1)", "start": "beta_start", "end": "beta_end", "start_due": "1e-4", "end_due": "0.02",
    "s_due": "0.008",
}  # fmt: skip
SHIFTS = {
    "1e-4 and 0.02 where beta_start and beta_end belong": {"start": "start_due", "end": "end_due"},
    "beta_end first and beta_start last": {"start": "end", "end": "start"},
}
SPACED = {  # those of LINES first
    "the linear schedule": {"beta": "start + (end - start) * t / T_less"},
    "the quadratic schedule": {"roots": "sqrt(start) + (sqrt(end) - sqrt(start)) * t / T_less", "beta": "roots ** 2"},
    "evenly spaced in log(beta)": {"logs": "log(start) + (log(end) - log(start)) * t / T_less", "beta": "exp(logs)"},
    "quadratic in t, from beta_start to beta_end": {"beta": "start + (end - start) * (t / T_less) ** 2"},
    "the linear schedule times 1000 / T": {"beta": "1000 / T * (start + (end - start) * t / T_less)"},
}
COSINE = {"angle": "(u / T + s) / (1 + s) * pi / 2", "f": "cos(angle) ** 2", "beta": "1 - after(f) / before(f)"}
PRODUCTS = {
    "cumprod(1 - beta)": "",
    "cumprod(1 - beta) / (1 - beta)": "alpha_bar[t - 1]: step t is left out",
    "(1 - beta) ** t_next": "alpha_t^(t + 1)",
    "exp(-cumsum(beta))": "exp(-cumsum(beta)), which is only nearly the product",
    "1 - cumsum(beta)": "1 - cumsum(beta), which is only nearly the product",
    "turned(cumprod(turned(1 - beta)))": "the product of all alphas from t on",
}
formula = partial(Formula, equations={}, shifts=SHIFTS, names=NAMES)
of_ends = partial(formula, letters="t t_next t_back T T_less T_more start end start_due end_due")
of_betas = partial(formula, letters="beta t_next")

# What is due of each function first; after it what is often taken for it.
FORMULAS: dict[str, tuple[Formula, ...]] = {
    **{
        line: (of_ends(due), *(of_ends(lines, name=name) for name, lines in SPACED.items() if lines is not due))
        for line, due in zip(LINES, SPACED.values())
    },
    "cosine_beta_schedule": (formula(COSINE, letters="u T s T_less T_more s_due"),),
    "betas": (of_betas({"betas": "beta * 1"}),),
    "alphas": (of_betas({"alphas": "1 - beta"}),),
    "alphas_cumprod": tuple(of_betas({"alphas_cumprod": line}, name=name) for line, name in PRODUCTS.items()),
    "ddim_timesteps": (formula({"t": "i * floor(T / S)"}, letters="i T S T_less S_less i_next"),),
}


def letters_of(function: str) -> dict[str, Numbers]:
    """Every letter as a column: a row for each number that a call gives, the calls one below the other."""
    rows = [row for call in CALLS.get(function, ((),)) for row in _rows(function, *call)]
    return {name: np.array([np.atleast_1d(row[name]) for row in rows], dtype=float) for name in rows[0]}


def _rows(function: str, T: int = 0, a: float = 0.0, b: float = 0.0) -> list[dict]:
    if function == "make_schedule":
        return [dict(beta=beta, t_next=t + 1) for t, beta in enumerate(BETAS)]
    if function == "ddim_timesteps":
        return [dict(T=T, S=a, T_less=T - 1, S_less=max(a - 1, 1), i=i, i_next=i + 1) for i in range(int(a))[::-1]]
    same = dict(T=T, T_less=T - 1, T_more=T + 1, s=a, s_due=0.008, start=a, end=b, start_due=1e-4, end_due=0.02, pi=pi)
    return [same | dict(t=t, t_next=t + 1, t_back=T - 1 - t, u=(t, t + 1, 0)) for t in range(T)]
