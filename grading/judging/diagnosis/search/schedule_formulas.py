"""The formulas of kata 1 and of the timesteps, in the form that a search can change."""

from __future__ import annotations

import re

import numpy as np
import torch

from grading.judging.diagnosis.search.formulas import Formula
from grading.judging.diagnosis.search.values import Numbers

KINDS = {"linear_beta_schedule": "beta", "quadratic_beta_schedule": "sqrt(beta)"}
BETAS = torch.tensor([0.03, 0.2, 0.1, 0.35, 0.25, 0.4, 0.15], dtype=torch.float64)
OF_LINE = ("t", "t_next", "t_back", "T", "T_less", "T_more", "start", "end", "start_due", "end_due")
LINE, ROOTS, LOGS = ({line: text} for line, text in (
    ("beta", "start + (end - start) * t / T_less"),
    ("roots", "sqrt(start) + (sqrt(end) - sqrt(start)) * t / T_less"),
    ("logs", "log(start) + (log(end) - log(start)) * t / T_less"),
))  # fmt: skip


def _formula(lines: dict[str, str], letters: tuple[str, ...], name: str = "") -> Formula:
    return Formula(lines, {}, letters, shifts=SHIFTS, name=name)


SHIFTS = {
    "1e-4 and 0.02 where beta_start and beta_end belong": {"start": "start_due", "end": "end_due"},
    "beta_end first and beta_start last": {"start": "end", "end": "start"},
}
LINEAR = _formula(LINE, OF_LINE)
QUADRATIC = _formula({**ROOTS, "beta": "roots ** 2"}, OF_LINE)
GEOMETRIC = _formula({**LOGS, "beta": "exp(logs)"}, OF_LINE, "evenly spaced in log(beta)")
OF_COSINE = ("u", "T", "s", "T_less", "T_more", "s_due")
OF_TABLE = ("beta", "t_next", "one_before")
COUNTED = ("i", "T", "S", "T_less", "S_less", "i_next")


def _named(formula: Formula, name: str) -> Formula:
    return Formula(formula.lines, {}, formula.letters, shifts=formula.shifts, name=name)


FORMULAS: dict[str, tuple[Formula, ...]] = {
    "linear_beta_schedule": (
        LINEAR,
        _named(QUADRATIC, "the quadratic schedule, evenly spaced in sqrt(beta)"),
        GEOMETRIC,
    ),
    "quadratic_beta_schedule": (
        QUADRATIC,
        _named(LINEAR, "evenly spaced in beta, as the linear schedule"),
        _formula({"beta": "start + (end - start) * (t / T_less) ** 2"}, OF_LINE, "quadratic in t, not in sqrt(beta)"),
        GEOMETRIC,
    ),
    "cosine_beta_schedule": (
        _formula(
            {
                "angle": "(u / T + s) / (1 + s) * pi / 2",
                "f": "cos(angle) ** 2",
                "beta": "1 - after(f) / before(f)",
            },
            OF_COSINE,
        ),
    ),
    "betas": (_formula({"result": "beta * 1"}, OF_TABLE),),
    "alphas": (_formula({"result": "1 - beta"}, OF_TABLE),),
    "alphas_cumprod": (
        _formula({"alpha": "1 - beta", "result": "cumprod(alpha)"}, OF_TABLE),
        _formula({"alpha": "1 - beta", "result": "one_before * 1"}, OF_TABLE, "alpha_bar[t - 1]: step t is left out"),
        _formula({"alpha": "1 - beta", "result": "alpha ** t_next"}, OF_TABLE, "alpha_t^(t + 1)"),
        _formula({"result": "exp(-cumsum(beta))"}, OF_TABLE, "exp(-cumsum(beta)), which is only nearly the product"),
        _formula({"result": "1 - cumsum(beta)"}, OF_TABLE, "1 - cumsum(beta), which is only nearly the product"),
        _formula({"alpha": "1 - beta", "result": "turned(cumprod(alpha))"}, OF_TABLE, "alpha_bar from T - 1 down to 0"),
        _formula({"alpha": "1 - beta", "result": "turned(cumprod(turned(alpha)))"}, OF_TABLE,
                 "the product of all alphas from t on"),
    ),
    "ddim_timesteps": (
        _formula({"t": "i * floor(T / S)"}, COUNTED),
        _formula({"t": "floor(i * T / S)"}, COUNTED, "floor(i * T / S): the stride T // S is a whole number"),
        _formula({"t": "rint(i * T / S)"}, COUNTED, "round(i * T / S): the stride T // S is a whole number"),
        _formula({"t": "floor(i * T_less / S_less)"}, COUNTED, "evenly from 0 to T - 1 (linspace), rounded down"),
        _formula({"t": "rint(i * T_less / S_less)"}, COUNTED, "evenly from 0 to T - 1 (linspace), rounded"),
        _formula({"t": "T_less - i_back * floor(T / S)"}, COUNTED, "from T - 1 down by T // S: it ends at 0"),
        _formula({"t": "i_next * floor(T / S) - 1"}, COUNTED, "(i + 1) * (T // S) - 1: the strides start at 0"),
        _formula({"t": "i * floor(T / S) + 1"}, COUNTED, "i * (T // S) + 1: t counts from 0"),
        _formula({"t": "T_less - i_back"}, COUNTED, "the noisiest one by one: the stride is missing"),
        _formula({"t": "(i / S_less) ** 2 * T_less"}, COUNTED, "spaced quadratically"),
        _formula({"t": "floor((i / S_less) ** 2 * T_less)"}, COUNTED, "spaced quadratically"),
        _formula({"t": "top - i_back * floor(T / S)"}, COUNTED, "the noisiest multiples of T // S: it ends at 0"),
    ),
}  # fmt: skip

WRITTEN = {
    "T_less": "(T - 1)", "T_more": "(T + 1)", "S_less": "(S - 1)", "t_next": "(t + 1)", "t_back": "(T - 1 - t)",
    "i_next": "(i + 1)", "start": "beta_start", "end": "beta_end", "start_due": "1e-4", "end_due": "0.02",
    "s_due": "0.008",
}  # fmt: skip


def written(text: str) -> str:
    """A line as a student would write it."""
    text = re.sub(r"after\((\w+)\)", r"\1(t + 1)", text)
    text = re.sub(r"before\((\w+)\)", r"\1(t)", text)
    text = re.sub(r"first\((\w+)\)", r"\1(0)", text)
    return re.sub(r"\b\w+\b", lambda m: WRITTEN.get(m[0], m[0]), text).replace(" ** ", "^")


def letters_of(function: str, calls: tuple) -> dict[str, Numbers]:
    """Every letter as a column, the calls one below the other."""
    if function == "make_schedule":
        beta = BETAS.numpy()[:, None]
        bar = np.cumprod(1 - beta, 0)
        before = np.concatenate([[[1.0]], bar[:-1]])
        return {"beta": beta, "t_next": np.arange(1.0, 1 + len(beta))[:, None], "one_before": before}
    rows = []
    for call in calls:
        if function == "ddim_timesteps":
            T, S = call
            top = float(max(range(0, T, T // S)))
            rows += [dict(i=i, i_next=i + 1, i_back=S - 1 - i, T=T, S=S, T_less=T - 1, S_less=max(S - 1, 1), top=top)
                     for i in reversed(range(S))]  # fmt: skip
            continue
        T, a, b = call
        for t in range(T):
            row = dict(T=T, T_less=T - 1, T_more=T + 1)
            if function == "cosine_beta_schedule":
                row |= dict(u=(t, t + 1, 0), s=a, s_due=0.008, pi=np.pi)
            else:
                row |= dict(t=t, t_next=t + 1, t_back=T - 1 - t, start=a, end=b, start_due=1e-4, end_due=0.02)
            rows.append(row)
    return {name: np.array([np.atleast_1d(row[name]) for row in rows], dtype=float) for name in rows[0]}
