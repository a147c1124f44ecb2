"""The formulas that are due, as a few lines of text each, and how a student would write them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

PLACES = {"after": "t + 1", "before": "t", "first": "0"}


@dataclass(frozen=True)
class Formula:
    """What is due of a function, or another formula that is taken for it.

    Attributes:
        lines: name and text of each line, the result last.
        equations: where each line stands in the papers.
        letters: what may be put for something else by mistake, in one text.
        vectors: the arguments that the result is linear in, one column for each.
        choices: legal lines that this kata does not ask for, by name: which line, its text, and what is said of it.
        shifts: letters that may be exchanged together, by what that means.
        name: what it is, where it is not what is due.
        names: how a student would write the letters.
    """

    lines: dict[str, str]
    equations: dict[str, str]
    letters: str
    vectors: tuple[str, ...] = ()
    choices: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    shifts: Mapping[str, dict[str, str]] = field(default_factory=dict)
    name: str = ""
    names: Mapping[str, str] = field(default_factory=dict)

    def equation(self, line: str) -> str:
        return f"   ({self.equations[line]})" if line in self.equations else ""

    def written(self, text: str) -> str:
        """A line as a student would write it: `sqrt(1 - alpha_bar_t)`, `f(t + 1)`."""
        text = re.sub(r"(after|before|first)\((\w+)\)", lambda m: f"{m[2]}({PLACES[m[1]]})", text)
        return re.sub(r"\b\w+\b", lambda m: self.names.get(m[0], m[0]), text).replace(" ** ", "^")


# How a student would write the letters.
WORDS = {"beta": "beta", "alpha": "alpha", "ab": "alpha_bar"}
AT = {"": "_t", "_before": "[t - 1]", "_after": "[t + 1]", "_two": "[t - 2]", "_mirror": "[T - 1 - t]", "_last": "[-1]",
      "_first": "[0]", "_prev": "[t - 1]"}  # fmt: skip
AT_PREV = AT | {"_prev": "[t_prev]", "_prev_after": "[t_prev + 1]", "_prev_before": "[t_prev - 1]"}
AT_T, AT_T_PREV = ({name + at: word + index for name, word in WORDS.items() for at, index in places.items()}
                   | {"beta_bar": "cumprod(beta)[t]"} for places in (AT, AT_PREV))  # fmt: skip
AT_T_PREV |= {"ab_prev": "alpha_bar_prev", "eta_int": "int(eta)", "eta_round": "round(eta)"}

X0 = "(x_t - sqrt(1 - ab) * eps) / sqrt(ab)"
VARIANCE = {"variance": "(1 - ab_prev) / (1 - ab) * beta", "x_prev": "mean + sqrt(variance) * noise"}
SLOTS = ("x_t", "eps", "noise")
Q_SAMPLE = Formula(
    {"x_t": "sqrt(ab) * x0 + sqrt(1 - ab) * noise"},
    {"x_t": "DDPM eq. 4"},
    "beta alpha ab ab_before ab_after alpha_before beta_before ab_mirror beta_bar ab_last ab_first",
    ("x0", "noise"),
    names=AT_T,
)
DDPM = Formula(
    {"mean": "(x_t - beta / sqrt(1 - ab) * eps) / sqrt(alpha)", **VARIANCE},
    {"mean": "DDPM eq. 11", "variance": "DDPM eq. 7", "x_prev": "DDPM algorithm 2"},
    "beta alpha ab ab_prev beta_before alpha_before ab_after beta_after alpha_after ab_last ab_first ab_two",
    SLOTS,
    {
        "sigma^2 = beta": ("variance", "beta", "legal: the paper allows both (section 3.2). This kata asks for the "
                           "posterior variance, which is exact for known x0"),
    },
    {
        "the tables at t - 1": {"beta": "beta_before", "alpha": "alpha_before", "ab": "ab_prev", "ab_prev": "ab_two"},
        "the tables at t + 1": {"beta": "beta_after", "alpha": "alpha_after", "ab": "ab_after", "ab_prev": "ab"},
        "alpha for alpha_bar": {"ab": "alpha", "ab_prev": "alpha_before"},
    },
    names=AT_T,
)  # fmt: skip
POSTERIOR = replace(
    DDPM,
    lines={
        "x0": X0,
        "of_x0": "sqrt(ab_prev) * beta / (1 - ab)",
        "of_x_t": "sqrt(alpha) * (1 - ab_prev) / (1 - ab)",
        "mean": "of_x0 * x0 + of_x_t * x_t",
        **VARIANCE,
    },
    equations={**DDPM.equations, **dict.fromkeys(("of_x0", "of_x_t", "mean"), "DDPM eq. 7"), "x0": "DDPM eq. 4"},
)
DDIM = Formula(
    {
        "x0": X0,
        "sigma": "eta * sqrt((1 - ab_prev) / (1 - ab)) * sqrt(1 - ab / ab_prev)",
        "direction": "sqrt(1 - ab_prev - sigma ** 2) * eps",
        "x_prev": "sqrt(ab_prev) * x0 + direction + sigma * noise",
    },
    {"x0": "DDIM eq. 9", "sigma": "eq. 16", "direction": "eq. 12", "x_prev": "DDIM eq. 12"},
    (
        "ab ab_prev beta alpha alpha_prev beta_prev ab_before ab_after ab_last ab_first ab_prev_after ab_prev_before "
        "beta_before eta eta_int eta_round"
    ),
    SLOTS,
    {
        "sigma^ for the noise": (
            "x_prev", "sqrt(ab_prev) * x0 + direction + (eta > 0) * sqrt(1 - ab / ab_prev) * noise",
            "legal: the paper's appendix has it as sigma^. This kata asks for eq. 12 and 16",
        ),
    },
    {
        "t - 1 and t_prev - 1": {"ab": "ab_before", "ab_prev": "ab_prev_before"},
        "t + 1 and t_prev + 1": {"ab": "ab_after", "ab_prev": "ab_prev_after"},
        "t and t_prev exchanged": {"ab": "ab_prev", "ab_prev": "ab"},
        "alpha for alpha_bar": {"ab": "alpha", "ab_prev": "alpha_prev"},
    },
    names=AT_T_PREV,
)  # fmt: skip
# What is due of each function first; after it what is the same in other lines.
FORMULAS = {"q_sample": (Q_SAMPLE,), "ddpm_step": (DDPM, POSTERIOR), "ddim_step": (DDIM,)}
