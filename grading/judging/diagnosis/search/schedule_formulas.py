"""The formulas of kata 1 and of the timesteps, in the form that a search can change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from grading.judging.diagnosis.search.formulas import Formula
from grading.judging.diagnosis.search.values import Numbers

KINDS = {"linear_beta_schedule": "beta", "quadratic_beta_schedule": "sqrt(beta)"}
BETAS = torch.tensor([0.03, 0.2, 0.1, 0.35, 0.25, 0.4, 0.15], dtype=torch.float64)
NAMES = {
    "T_less": "(T - 1)", "T_more": "(T + 1)", "S_less": "(S - 1)", "t_next": "(t + 1)", "t_back": "(T - 1 - t)",
    "i_next": "(i + 1)", "start": "beta_start", "end": "beta_end", "start_due": "1e-4", "end_due": "0.02",
    "s_due": "0.008",
}  # fmt: skip


def _formula(lines: dict[str, str], letters: str, name: str = "") -> Formula:
    return Formula(lines, {}, tuple(letters.split()), name=name, names=NAMES)


LINEAR = replace(
    _formula(
        {"beta": "start + (end - start) * t / T_less"},
        "t t_next t_back T T_less T_more start end start_due end_due",
    ),
    shifts={
        "1e-4 and 0.02 where beta_start and beta_end belong": {"start": "start_due", "end": "end_due"},
        "beta_end first and beta_start last": {"start": "end", "end": "start"},
    },
)
QUADRATIC = replace(
    LINEAR, lines={"roots": "sqrt(start) + (sqrt(end) - sqrt(start)) * t / T_less", "beta": "roots ** 2"}
)
GEOMETRIC = replace(
    LINEAR,
    lines={"logs": "log(start) + (log(end) - log(start)) * t / T_less", "beta": "exp(logs)"},
    name="evenly spaced in log(beta)",
)
IN_T = {"beta": "start + (end - start) * (t / T_less) ** 2"}
COSINE = _formula(
    {"angle": "(u / T + s) / (1 + s) * pi / 2", "f": "cos(angle) ** 2", "beta": "1 - after(f) / before(f)"},
    "u T s T_less T_more s_due",
)


def _table(result: str, name: str = "") -> Formula:
    lines = {"alpha": "1 - beta", "result": result} if "alpha" in result else {"result": result}
    return _formula(lines, "beta t_next one_before", name)


# What is due of each function first; after it what is often taken for it.
FORMULAS: dict[str, tuple[Formula, ...]] = {
    "linear_beta_schedule": (
        LINEAR,
        replace(QUADRATIC, name="the quadratic schedule, evenly spaced in sqrt(beta)"),
        GEOMETRIC,
    ),
    "quadratic_beta_schedule": (
        QUADRATIC,
        replace(LINEAR, name="evenly spaced in beta, as the linear schedule"),
        replace(LINEAR, lines=IN_T, name="quadratic in t, not in sqrt(beta)"),
        GEOMETRIC,
    ),
    "cosine_beta_schedule": (COSINE,),
    "betas": (_table("beta * 1"),),
    "alphas": (_table("1 - beta"),),
    "alphas_cumprod": (
        _table("cumprod(alpha)"),
        _table("one_before * 1", "alpha_bar[t - 1]: step t is left out"),
        _table("alpha ** t_next", "alpha_t^(t + 1)"),
        _table("exp(-cumsum(beta))", "exp(-cumsum(beta)), which is only nearly the product"),
        _table("1 - cumsum(beta)", "1 - cumsum(beta), which is only nearly the product"),
        _table("turned(cumprod(alpha))", "alpha_bar from T - 1 down to 0"),
        _table("turned(cumprod(turned(alpha)))", "the product of all alphas from t on"),
    ),
    "ddim_timesteps": (_formula({"t": "i * floor(T / S)"}, "i T S T_less S_less i_next"),),
}


def letters_of(function: str, calls: tuple) -> dict[str, Numbers]:
    """Every letter as a column, the calls one below the other."""
    if function == "make_schedule":
        beta = BETAS.numpy()[:, None]
        bar = np.cumprod(1 - beta, 0)
        before = np.concatenate([[[1.0]], bar[:-1]])
        return {"beta": beta, "t_next": np.arange(1.0, 1 + len(beta))[:, None], "one_before": before}
    rows = [row for call in calls for row in _rows(function, *call)]
    return {name: np.array([np.atleast_1d(row[name]) for row in rows], dtype=float) for name in rows[0]}


def _rows(function: str, T: int, a: float, b: float = 0.0) -> list[dict]:
    """The letters of one call, a row for each number that it gives."""
    if function == "ddim_timesteps":
        return [dict(T=T, S=a, T_less=T - 1, S_less=max(a - 1, 1), i=i, i_next=i + 1) for i in range(int(a))[::-1]]
    same: dict[str, Any] = dict(T=T, T_less=T - 1, T_more=T + 1)
    if function == "cosine_beta_schedule":
        return [same | dict(u=(t, t + 1, 0), s=a, s_due=0.008, pi=np.pi) for t in range(T)]
    same |= dict(start=a, end=b, start_due=1e-4, end_due=0.02)
    return [same | dict(t=t, t_next=t + 1, t_back=T - 1 - t) for t in range(T)]
