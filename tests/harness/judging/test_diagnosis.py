"""Which term is wrong: pointed at in every wrong form, named in nearly all, and never by a wrong name."""

import random
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import summary
import torch
from random_edits import edits
from wrong_forms import catalogue
from wrong_forms.ddpm_step import MEANS, SIGMAS, step
from wrong_forms.samplers import LOOP, NOISE, TIME
from wrong_forms.walking import sampler

from grading.judging.diagnosis import MEASURED, diagnose
from grading.judging.diagnosis.measure import measure
from grading.judging.diagnosis.search.formulas import FORMULAS
from grading.judging.diagnosis.search.values import evaluate
from grading.judging.diagnosis.sites import Site, letters_at
from grading.submission.contract import schedule_from
from grading.submission.errors import SubmissionError
from grading.submission.implementation import ROOT, Implementation, Replaced

STEPS = ("q_sample", "ddpm_step", "ddim_step")
EDITED = (*STEPS, *STEPS[1:], "cosine_beta_schedule", "make_schedule", "ddim_timesteps", "ddpm_loss", "ddim_step")
GENERATOR = torch.Generator().manual_seed(99)
FRESH = tuple(schedule_from(0.02 + 0.3 * torch.rand(9, generator=GENERATOR, dtype=torch.float64)) for _ in range(4))


def fresh_sites(function):
    """Places that no search has seen."""
    if function != "ddim_step":
        return tuple(Site(schedule, t) for schedule in FRESH for t in (3, 5, 6))
    return tuple(Site(s, *jump) for s, jump in zip(FRESH, ((7, 2, 0.3), (6, 3, 0.55), (5, 2, 0.15), (7, 4, 0.8))))


def factors(function, wrong):
    return measure(wrong, function, fresh_sites(function), seed=50).factors


def due(function, lines=None):
    letters = letters_at(function, fresh_sites(function))
    return evaluate(lines or FORMULAS[function][0].lines, letters)


def is_wrong_name(function, wrong, found):
    """Whether the formula that was found gives other factors where nobody looked for it."""
    if not found.formula or function not in STEPS:
        return False
    here, there = factors(function, wrong), due(function, found.formula)
    seen = np.isfinite(here).all(1) & np.isfinite(np.broadcast_to(there, here.shape)).all(1)
    return not np.allclose(here[seen], np.broadcast_to(there, here.shape)[seen], rtol=1e-7, atol=1e-9)


def terms_left_out(function, wrong, found):
    """The arguments whose factor is wrong and of which the table says nothing."""
    here = factors(function, wrong)
    if not np.isfinite(here).all():
        return []
    right = np.isclose(here, due(function), rtol=1e-7, atol=1e-9).all(0)
    said = dict(found.lines)
    marked = [v for v in FORMULAS[function][0].vectors if "wrong" in said.get(v, "") or "follows" in said.get(v, "")]
    everything = any("measured" in label for label, _ in found.lines)
    return [v for v, ok in zip(FORMULAS[function][0].vectors, right) if not ok and v not in marked and not everything]


def found_in(function, wrong):
    return diagnose(Replaced(ROOT / "solutions", {function: wrong}), function)


class Count:
    """n of n, and what was not."""

    def __init__(self, what):
        self.what, self.of, self.pointed, self.named, self.wrong = what, 0, 0, 0, 0
        self.missed, self.bare = [], []

    def add(self, title, function, wrong, found):
        self.of += 1
        self.pointed += found is not None
        self.named += found is not None and found.named
        self.wrong += found is not None and is_wrong_name(function, wrong, found)
        if found is None or (function in STEPS and terms_left_out(function, wrong, found)):
            self.missed.append(title)
        elif not found.named:
            self.bare.append(title)

    def stated(self):
        summary.lines.append(
            f"{self.what}: wrong terms pointed at {self.pointed}/{self.of}, named {self.named}/{self.of}, "
            f"wrong names {self.wrong}"
        )


# Nothing is wrong with their values: what they are called on, or what they leave behind, has a message of its own.
OF_FORM = ("_always", "in_place", "made_on_the_cpu", "moved_to", "_returned", "overwritten",
           "a_tensor", "list_of_tensors", "floats", "a_range", "without_names", "division_by_zero_at_one_step",
           "noise_made_on_the_cpu", "t_made_on_the_cpu", "seeded_")  # fmt: skip


def of_form(entry):
    return any(part in entry.name for part in OF_FORM)


@pytest.mark.timeout(1500)
def test_every_wrong_form_is_measured():
    count = Count("catalogue")
    for function in MEASURED:
        for entry in catalogue(function):
            found = found_in(function, entry.wrong)
            if found is not None or not of_form(entry):
                count.add(entry.id, function, entry.wrong, found)
    count.stated()
    assert count.missed == []
    assert count.wrong == 0
    assert count.named >= 0.95 * count.of


@pytest.mark.timeout(1500)
def test_pairs_are_measured_as_well():
    count, dice = Count("pairs"), random.Random(5)
    for _ in range(40):
        (mean, _, of_mean), (sigma, _, of_sigma) = dice.choice(MEANS), dice.choice(SIGMAS)
        wrong = step(mean=of_mean, sigma=of_sigma)
        count.add(f"{mean} and {sigma}", "ddpm_step", wrong, found_in("ddpm_step", wrong))
    noises = [noise for noise in NOISE if not any(part in noise[0] for part in OF_FORM)]
    for function in ("ddpm_sample", "ddim_sample"):
        for _ in range(20):
            noise, loop = dice.choice(noises), dice.choice(LOOP)
            wrong = sampler(function, **{**loop[2], **noise[2]})
            count.add(f"{noise[0]} and {loop[0]}", function, wrong, found_in(function, wrong))
            _, _, time = dice.choice(TIME)
            wrong = sampler(function, **noise[2], ask=lambda w, x, t, time=time: w.model(x, time(w, x, t)))
            count.add(f"{noise[0]} and a time", function, wrong, found_in(function, wrong))
    count.stated()
    assert count.missed == []
    assert count.wrong == 0
    assert count.named >= 0.9 * count.of


@cache
def reference():
    return Implementation(ROOT / "solutions")


def changes_nothing(function, wrong):
    """By value: nothing is found in what an edit has left right."""
    right, other = answers(function, getattr(reference(), function)), answers(function, wrong)
    return all(
        isinstance(a, type(b)) and (torch.allclose(a, b, equal_nan=True) if isinstance(a, torch.Tensor) else a == b)
        if getattr(a, "shape", 0) == getattr(b, "shape", 0)
        else False
        for a, b in zip(right, other)
    )


def answers(function, f):
    """What a function gives for a few inputs; the name of an error where it gives none."""
    seen = []
    for schedule in FRESH[:2]:
        x, eps, z = (torch.randn(4, 3, generator=GENERATOR.manual_seed(n), dtype=torch.float64) for n in range(3))
        calls = {
            "q_sample": [(x, torch.tensor([0, 3, 8, 5]), schedule, z)],
            "ddpm_step": [(x, t, eps, schedule, z) for t in (0, 1, 4, 8)],
            "ddim_step": [(x, t, p, eps, schedule, eta, z) for t, p in ((8, 3), (4, 0), (2, -1)) for eta in (0.0, 0.6)],
            "cosine_beta_schedule": [(9, 0.05, 0.9), (20,)],
            "make_schedule": [(schedule.betas,)],
            "ddim_timesteps": [(10, 3), (11, 4)],
            "ddpm_loss": [(lambda x_t, t: 0.3 * x_t + t[:, None], x, torch.tensor([0, 3, 8, 5]), schedule, z)],
        }[function]
        for call in calls:
            try:
                answer = f(*call)
            except Exception as error:
                answer = type(error).__name__
            seen += list(answer) if isinstance(answer, tuple) else [answer]
    return seen


def raises(function, wrong):
    """What fails is shown by its own error and line."""
    return any(isinstance(answer, str) for answer in answers(function, wrong))


@pytest.mark.timeout(1500)
def test_random_edits_of_the_reference_are_measured():
    count = Count("random edits")
    for edit in edits(EDITED, seed=7):
        wrong = edit.made()
        if changes_nothing(edit.function, wrong) or raises(edit.function, wrong):
            continue
        if count.of == 200:
            break
        count.add(edit.title, edit.function, wrong, found_in(edit.function, wrong))
    count.stated()
    assert count.of == 200
    assert count.missed == []
    assert count.wrong == 0
    assert count.named >= 0.9 * count.of


@pytest.mark.parametrize("function", MEASURED)
def test_nothing_is_found_in_what_is_right(function):
    assert MEASURED[function](reference(), function) is None


@pytest.mark.parametrize("kind", ["timeout", "gone"])
def test_a_submission_that_hangs_is_asked_once(kind):
    calls = []

    def hangs(*args):
        calls.append(args)
        raise SubmissionError("q_sample", kind, "no answer")

    class Submission:
        q_sample = staticmethod(hangs)

    assert diagnose(Submission(), "q_sample") is None
    assert len(calls) == 1


class Odd:
    def __eq__(self, other):
        raise RuntimeError("compared")

    __hash__ = None


@pytest.mark.parametrize("returned", [None, Odd(), [Odd()], torch.ones(2).to_sparse(), {"a": 1}, due])
def test_a_diagnosis_never_fails(returned):
    for function in MEASURED:
        wrong = Replaced(ROOT / "solutions", {function: lambda *args, **kwargs: returned})
        found = diagnose(wrong, function)
        assert found is None or found.says


def test_the_folder_of_a_wrong_form_is_its_own():
    assert (Path(__file__).parents[1] / "wrong_forms").is_dir()
