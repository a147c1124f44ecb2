"""The formulas that are due, as a few lines of text each, and how a student would write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Choice(NamedTuple):
    """A legal line that this kata does not ask for."""

    name: str
    line: str
    text: str
    why: str


@dataclass(frozen=True)
class Formula:
    """What is due of a function, or another formula that is taken for it.

    Attributes:
        lines: name and text of each line, the result last.
        equations: where each line stands in the papers.
        letters: what may be put for something else by mistake.
        vectors: the arguments that the result is linear in, one column for each.
        choices: legal lines that this kata does not ask for.
        shifts: letters that may be exchanged together, by what that means.
        name: what it is, where it is not what is due.
    """

    lines: dict[str, str]
    equations: dict[str, str]
    letters: tuple[str, ...]
    vectors: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    shifts: Mapping[str, dict[str, str]] = field(default_factory=dict)
    name: str = ""

    @property
    def vector_lines(self) -> frozenset[str]:
        return (
            frozenset({*self.vectors, *({"x0", "mean", "direction"} & {*self.lines})}) if self.vectors else frozenset()
        )


X0 = "(x_t - sqrt(1 - ab) * eps) / sqrt(ab)"
SLOTS = ("x_t", "eps", "noise")
OF_Q_SAMPLE, OF_DDPM, OF_DDIM = (
    tuple(letters.split())
    for letters in (
        "beta alpha ab ab_before ab_after alpha_before beta_before ab_mirror beta_bar ab_last ab_first",
        "beta alpha ab ab_prev beta_before alpha_before ab_after beta_after alpha_after ab_last ab_first ab_two",
        "ab ab_prev beta alpha alpha_prev beta_prev ab_before ab_after ab_last ab_first ab_prev_after ab_prev_before "
        "beta_before eta",
    )
)
POSTERIOR_VARIANCE = Choice(
    "sigma^2 = beta", "variance", "beta",
    "legal: the paper allows both (section 3.2). This kata asks for the posterior variance, which is exact for "
    "known x0",
)  # fmt: skip
LARGER_NOISE = Choice(
    "sigma^ for the noise", "x_prev",
    "sqrt(ab_prev) * x0 + direction + (eta > 0) * sqrt(1 - ab / ab_prev) * noise",
    "legal: the paper's appendix has it as sigma^. This kata asks for eq. 12 and 16",
)  # fmt: skip
DDPM_SHIFTS = {
    "the tables at t - 1": {"beta": "beta_before", "alpha": "alpha_before", "ab": "ab_prev", "ab_prev": "ab_two"},
    "the tables at t + 1": {"beta": "beta_after", "alpha": "alpha_after", "ab": "ab_after", "ab_prev": "ab"},
    "alpha for alpha_bar": {"ab": "alpha", "ab_prev": "alpha_before"},
}
DDPM = {"mean": "DDPM eq. 11", "variance": "DDPM eq. 7", "x_prev": "DDPM algorithm 2"}

FORMULAS: dict[str, tuple[Formula, ...]] = {
    "q_sample": (
        Formula(
            {"x_t": "sqrt(ab) * x0 + sqrt(1 - ab) * noise"},
            {"x_t": "DDPM eq. 4"},
            OF_Q_SAMPLE,
            ("x0", "noise"),
        ),
    ),
    "ddpm_step": (
        Formula(
            {
                "mean": "(x_t - beta / sqrt(1 - ab) * eps) / sqrt(alpha)",
                "variance": "(1 - ab_prev) / (1 - ab) * beta",
                "x_prev": "mean + sqrt(variance) * noise",
            },
            DDPM, OF_DDPM, SLOTS, (POSTERIOR_VARIANCE,), DDPM_SHIFTS,
        ),
        Formula(
            {
                "x0": X0,
                "of_x0": "sqrt(ab_prev) * beta / (1 - ab)",
                "of_x_t": "sqrt(alpha) * (1 - ab_prev) / (1 - ab)",
                "mean": "of_x0 * x0 + of_x_t * x_t",
                "variance": "(1 - ab_prev) / (1 - ab) * beta",
                "x_prev": "mean + sqrt(variance) * noise",
            },
            DDPM | dict.fromkeys(("of_x0", "of_x_t", "mean"), "DDPM eq. 7") | {"x0": "DDPM eq. 4"},
            OF_DDPM, SLOTS, (POSTERIOR_VARIANCE,), DDPM_SHIFTS,
        ),
    ),
    "ddim_step": tuple(
        Formula(
            {
                "x0": X0,
                "sigma": sigma,
                "direction": "sqrt(1 - ab_prev - sigma ** 2) * eps",
                "x_prev": "sqrt(ab_prev) * x0 + direction + sigma * noise",
            },
            {"x0": "DDIM eq. 9", "sigma": "eq. 16", "direction": "eq. 12", "x_prev": "DDIM eq. 12"},
            OF_DDIM, SLOTS, (LARGER_NOISE,),
            {
                "t - 1 and t_prev - 1": {"ab": "ab_before", "ab_prev": "ab_prev_before"},
                "t + 1 and t_prev + 1": {"ab": "ab_after", "ab_prev": "ab_prev_after"},
                "t and t_prev exchanged": {"ab": "ab_prev", "ab_prev": "ab"},
                "alpha for alpha_bar": {"ab": "alpha", "ab_prev": "alpha_prev"},
            },
        )
        for sigma in (
            "eta * sqrt((1 - ab_prev) / (1 - ab)) * sqrt(1 - ab / ab_prev)",
            "eta * sqrt((1 - ab_prev) / (1 - ab) * (1 - ab / ab_prev))",
        )
    ),
}  # fmt: skip

# How a student would write the letters.
WRITTEN = {
    "beta": "beta_t", "alpha": "alpha_t", "ab": "alpha_bar_t", "ab_before": "alpha_bar[t - 1]",
    "beta_before": "beta[t - 1]", "alpha_before": "alpha[t - 1]", "ab_after": "alpha_bar[t + 1]",
    "beta_after": "beta[t + 1]", "alpha_after": "alpha[t + 1]", "ab_prev": "alpha_bar_prev",
    "beta_prev": "beta[t_prev]", "alpha_prev": "alpha[t_prev]", "ab_prev_after": "alpha_bar[t_prev + 1]",
    "ab_prev_before": "alpha_bar[t_prev - 1]", "ab_mirror": "alpha_bar[T - 1 - t]", "ab_two": "alpha_bar[t - 2]",
    "ab_last": "alphas_cumprod[-1]", "ab_first": "alphas_cumprod[0]", "beta_bar": "cumprod(beta)[t]",
}  # fmt: skip


def written(text: str, function: str) -> str:
    """A line as a student would write it: `sqrt(1 - alpha_bar_t)`."""
    letters = WRITTEN if function == "ddim_step" else {**WRITTEN, "ab_prev": "alpha_bar[t - 1]"}
    if function.endswith("_step") or function == "q_sample":
        text = re.sub(r"\b\w+\b", lambda m: letters.get(m[0], m[0]), text)
    return text.replace(" ** ", "^")
