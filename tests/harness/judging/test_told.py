"""What is said of a wrong answer holds for it: of its digits, of a loss, of a step, of a walk."""

import re
import shutil

import pytest
import torch

from grading.isolation import IsolatedImplementation
from grading.judging.diagnosis import diagnose
from grading.judging.diagnosis.finding import row
from grading.judging.rounding import narrow
from grading.submission.implementation import ROOT, Implementation, Replaced
from grading.submission.katas import tasks
from grading.suites.board import first_failure
from grading.suites.runner import run_suites, unit_suites

SOLUTION = Implementation(ROOT / "solutions")


def submission(folder, module, source):
    """The solutions, with another function at the end of a module."""
    shutil.copytree(ROOT / "solutions", folder / "slip", ignore=shutil.ignore_patterns("__pycache__"))
    with (folder / "slip" / f"{module}.py").open("a") as file:
        file.write(source)
    return folder / "slip"


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
        "right for x0 of shape (7, 3), (7, 7), (7, 1), (1, 2), (40, 2), and not for (7, 2, 2), (7, 1, 2, 2)",
    ),
    "the last sample": (
        lambda e, z: (e - z)[:6].square().mean(),
        "samples [6] of 0 ... 6, with t = [3], are left out",
    ),
}


@pytest.mark.parametrize("title", LOSSES)
def test_a_loss_is_told_what_it_counts(title):
    counted, says = LOSSES[title]

    def wrong(model, x0, t, schedule, noise):
        return counted(model(SOLUTION.q_sample(x0, t, schedule, noise), t), noise)

    assert ("measured", says) in told("ddpm_loss", wrong)


def step(term):
    """ddpm_step with another last term."""

    def wrong(x_t, t, eps, schedule, noise):
        return SOLUTION.ddpm_step(x_t, t, eps, schedule, term(noise))

    return wrong


TERMS = {
    "one number for a sample": (lambda z: z[:, :1] + 0 * z, "right for x_t of shape (5, 1)"),
    "none for a batch of one": (lambda z: z * (len(z) > 1), "and not for (1, 3)"),
    "that of the first sample": (lambda z: z[:1] + 0 * z, "right for one sample alone, and for no batch"),
}


@pytest.mark.parametrize("title", TERMS)
def test_a_term_that_is_right_for_some_shapes_is_no_wrong_formula(title):
    term, says = TERMS[title]
    lines = told("ddpm_step", step(term))
    assert any(says in text for label, text in lines if label == "measured")
    assert ("and", "what is wrong there is the term of noise") in lines
    assert not any(label == "factor of" for label, _ in lines)


def test_a_slip_at_the_last_step_is_not_put_down_to_the_end_of_the_list():
    def wrong(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
        last = t == len(schedule.betas) - 1
        return SOLUTION.ddim_step(x_t, t, t_prev, 2 * eps if last else eps, schedule, eta, noise)

    says = told("ddim_step", wrong)[-1][1]
    assert says.startswith("at t = T - 1 eps has the wrong factor")


def test_the_only_step_of_a_walk_is_an_edge_of_its_own():
    """T - 1 to -1 at once: a walk of one step, or of two that are long."""

    def wrong(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
        alone = t == len(schedule.betas) - 1 and t_prev == -1
        return SOLUTION.ddim_step(x_t, t, t_prev, 2 * eps if alone else eps, schedule, eta, noise)

    assert told("ddim_step", wrong)[-1] == ("says", "at t = T - 1 and t_prev = -1 eps has the wrong factor")


def test_a_factor_that_is_right_is_not_rewritten_for_one_that_follows_no_formula():
    def wrong(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
        return SOLUTION.ddim_step(x_t, t, t_prev, eps, schedule, eta, noise if noise is None else noise / noise.std())

    assert told("ddim_step", wrong)[-1][1].startswith("one entry of noise changes other entries of the answer")


def sampler(model, x_T, schedule, generator, asked=1, older=0, bound=1e99, again=False):
    """ddpm_sample with other questions to its model, or its last step twice."""
    walk = [x_T] * (older + 1)
    for t in reversed(range(len(schedule.betas))):
        shown = walk[-1 - older]
        for _ in range(asked):
            eps = model(shown, torch.full((len(x_T),), t)).clamp(-bound, bound)
        noise = torch.randn(x_T.shape, generator=generator, dtype=x_T.dtype)
        walk.append(SOLUTION.ddpm_step(walk[-1], t, eps, schedule, noise))
    return SOLUTION.ddpm_step(walk[-1], 0, eps, schedule, noise) if again else walk[-1]


WALKS = {
    "the model is asked 2 times at each t: it is asked once": {"asked": 2},
    "the model is shown its first x again, at t=8: it must see the current x_t": {"older": 1},
    "the model's answer counts while it is small, and not when it is large: is it clipped?": {"bound": 4.0},
    "x_0 is not where your ddpm_step leads from the last x_t": {"again": True},
}


@pytest.mark.parametrize("says", WALKS)
def test_of_a_walk_is_said_what_holds_and_no_more(says):
    def wrong(model, x_T, schedule, generator=None):
        with torch.no_grad():
            return sampler(model, x_T, schedule, generator, **WALKS[says])

    assert told("ddpm_sample", wrong) == [("measured", says), ("says", says)]


KEPT = """
_kept = {}


def ddpm_step(x_t, t, eps, schedule, noise, plain=ddpm_step):
    return plain(x_t, t, eps, _kept.setdefault(t, schedule), noise)
"""


@pytest.mark.parametrize("make", [None, lambda folder: IsolatedImplementation(folder, sandbox="none")])
def test_what_other_calls_have_left_is_not_put_down_to_the_formula(make, tmp_path):
    folder = submission(tmp_path, "ddpm_step", KEPT)
    outcomes = run_suites(folder, "--task", "4.1", make=make and (lambda: make(folder)))
    wrong = [" ".join(o.message.split()) for o in outcomes if "wrong value" in o.message]
    assert len(wrong) > 5
    assert all("right when it is asked first" in message for message in wrong)
    assert not any("factor of" in message for message in wrong)


def test_a_slip_at_t_0_is_not_put_down_to_the_end_of_the_list():
    def wrong(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
        return SOLUTION.ddim_step(x_t, t, t_prev, eps, schedule, eta, noise) * (1 if t else 2)

    assert told("ddim_step", wrong)[-1][1].startswith("at t = 0 x_t and eps have the wrong factor")


def test_right_in_two_dims_is_not_said_to_mix_the_samples():
    def wrong(x0, t, schedule, noise):
        return SOLUTION.q_sample(x0, t if x0.ndim < 4 else t[:1].expand(len(t)), schedule, noise)

    says = "right for x0 of shape (5, 3), (5, 5), (5, 1), (5, 2, 2), (300, 2), (1, 3), and not for (5, 1, 2, 2)"
    assert told("q_sample", wrong) == [("measured", says), ("says", says)]


SLIPS = {
    "the variance beta in the first step of a walk alone": """
def ddpm_step(x_t, t, eps, schedule, noise, plain=ddpm_step):
    if t < len(schedule.betas) - 1:
        return plain(x_t, t, eps, schedule, noise)
    return plain(x_t, t, eps, schedule, 0 * noise) + schedule.betas[t] ** 0.5 * noise
""",
    "an eta that is a whole number": """
def ddim_step(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None, plain=ddim_step):
    return plain(x_t, t, t_prev, eps, schedule, int(eta), noise)
""",
}


@pytest.mark.parametrize("title", SLIPS)
def test_a_slip_in_a_step_costs_that_alone(title, tmp_path):
    function = re.search(r"def (\w+)", SLIPS[title])[1]
    task = next(t for t in tasks() if t.function == function)
    folder = submission(tmp_path, task.module, SLIPS[title])
    suite = next(path for path in unit_suites() if path.stem.endswith(task.module))
    assert {o.task for o in run_suites(folder, files=[suite]) if o.status == "failed"} == {task.id}


def test_what_a_step_does_to_a_loop_is_put_down_to_the_step(tmp_path):
    source = """
def ddpm_step(x_t, t, eps, schedule, noise, plain=ddpm_step):
    return plain(x_t, t, eps, schedule, noise[:1] + 0 * noise)
"""
    lines = dict(diagnose(Implementation(submission(tmp_path, "ddpm_step", source)), "ddpm_sample").lines)
    assert lines["but"] == "so does any loop over your ddpm_step: mend that first"
    assert "shared by the whole batch" in lines["measured"]


def test_the_first_failure_is_that_of_the_first_task(tmp_path):
    """Where the tests of a step stand behind those of its loop."""
    source = """
def ddpm_step(x_t, t, eps, schedule, noise, plain=ddpm_step):
    if len(x_t) > 512:
        raise ValueError("too many")
    return plain(x_t, t, eps, schedule, noise)
"""
    folder = submission(tmp_path, "ddpm_step", source)
    outcomes = run_suites(folder, files=[path for path in unit_suites() if path.stem.endswith("ddpm_step")])
    assert next(o.task for o in outcomes if o.status == "failed") == "4.2"
    assert first_failure(outcomes).task == "4.1"


def test_a_step_that_a_long_walk_leaves_out_is_named(tmp_path):
    source = """
def ddpm_sample(model, x_T, schedule, generator=None, plain=ddpm_sample):
    if len(schedule.betas) < 1000:
        return plain(model, x_T, schedule, generator)
    tables = NoiseSchedule(*(table[:999] for table in schedule))
    return plain(model, x_T, tables, generator)
"""
    folder = submission(tmp_path, "ddpm_step", source)
    outcomes = run_suites(folder, "--task", "4.2")
    assert [o.message.splitlines()[0] for o in outcomes if o.status == "failed"] == [
        "4.2 ddpm_sample: the model is never asked at t = 999"
    ]


def test_a_direction_is_not_rewritten_where_a_sigma_too_large_leaves_its_root_without_a_value():
    def wrong(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
        alpha_bar = schedule.alphas_cumprod[t]
        prev = schedule.alphas_cumprod[t_prev] if t_prev >= 0 else torch.ones_like(alpha_bar)
        sigma = eta * schedule.betas[t].sqrt()
        x0 = (x_t - (1 - alpha_bar).sqrt() * eps) / alpha_bar.sqrt()
        x_prev = prev.sqrt() * x0 + (1 - prev - sigma**2).clamp(min=0).sqrt() * eps
        return x_prev if noise is None else x_prev + sigma * noise

    assert ("says", "sigma = eta * sqrt(beta_t)") in told("ddim_step", wrong)


def test_a_number_that_is_added_to_the_end_of_a_walk_is_no_noise():
    def wrong(model, x_T, schedule, generator=None):
        return SOLUTION.ddpm_sample(model, x_T, schedule, generator) + 0.1

    says = "the last step, at t=0, adds 0.1 to every entry: it adds none"
    assert ("measured", says) in told("ddpm_sample", wrong)


def test_an_eta_that_is_rounded_down_is_not_said_not_to_be_handed_on():
    def wrong(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None):
        return SOLUTION.ddim_sample(model, x_T, schedule, num_inference_steps, int(eta), generator)

    assert ("measured", "the step leads where eta = 0 leads, not 0.625: is it handed on?") in told("ddim_sample", wrong)
