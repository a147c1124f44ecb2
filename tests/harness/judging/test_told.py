"""What is said of a wrong answer holds for it: of its digits, of a loss, of a step, of a walk."""

import pytest
import torch

from grading.judging.diagnosis import diagnose
from grading.judging.diagnosis.finding import row
from grading.judging.rounding import narrow
from grading.submission.implementation import ROOT, Implementation, Replaced

SOLUTION = Implementation(ROOT / "solutions")


def told(function, wrong):
    """The lines of what is found, and the phrase."""
    found = diagnose(Replaced(ROOT / "solutions", {function: wrong}), function)
    return [*found.lines, ("says", found.says)] if found else []


@pytest.mark.parametrize(
    ("numbers", "dtype"),
    [([0.5], ""), ([0.25, 0.375, 0.5, 0.75], ""), ([0.3], "float32"), ([0.1, 0.2, 0.3], "bfloat16"), ([0.1], "")],
)
def test_few_digits_are_seen_where_many_numbers_would_have_more(numbers, dtype):
    seen = torch.tensor(numbers, dtype=torch.float32 if dtype == "float32" else torch.bfloat16).double()
    assert narrow(seen).partition(":")[0] == (f"each number is one of {dtype}" if dtype else "")


def test_numbers_that_differ_are_shown_with_the_digits_that_do():
    assert row(0.40004, 0.4, "wrong").split() == ["0.40004", "0.4", "wrong"]
    assert row(0.400041, 0.400042, "right").split() == ["0.4", "0.4", "right"]


LOSSES = {
    "no difference": (lambda e, z: (z * z - e * e).mean(), "the answer is compared with 0: the noise itself is due"),
    "the last dim alone": (
        lambda e, z: (e - z).square().sum() / (len(z) * z.shape[-1]),
        "right for x0 of shape (7, 3), (7, 7), (7, 1), (1, 2), (40, 2), and not for (7, 2, 2)",
    ),
    "the last sample": (
        lambda e, z: (e - z)[:6].square().mean(),
        "1 of 7 samples is left out, number 6 of 0 ... 6, whose t is 3",
    ),
}


@pytest.mark.parametrize("title", LOSSES)
def test_a_loss_is_told_what_it_counts(title):
    counted, says = LOSSES[title]

    def wrong(model, x0, t, schedule, noise):
        return counted(model(SOLUTION.q_sample(x0, t, schedule, noise), t), noise)

    assert ("measured", says) in told("ddpm_loss", wrong)
