"""What a diagnosis names, and what it rightly leaves without a name."""

from types import SimpleNamespace

import pytest
import torch

from grading.judging.closed_form import alpha_bar_at, broadcast, ddpm_step, posterior, predict_x0
from grading.judging.diagnosis import diagnose, resembling
from grading.judging.examples import COARSE
from grading.submission.errors import SubmissionError


def q(data, noise_factor):
    def q_sample(x0, t, schedule, noise):
        a = broadcast(schedule.alphas_cumprod.to(x0)[t], x0)
        return data(a) * x0 + noise_factor(a) * noise

    return q_sample


def step(mean, deviation):
    def ddpm_step(x_t, t, eps, schedule, noise):
        tables = schedule.to(x_t)
        return mean(x_t, t, eps, tables) + deviation(t, tables) * noise

    return ddpm_step


def right_mean(x_t, t, eps, tables):
    return posterior(predict_x0(x_t, t, eps, tables), x_t, t, tables)[0]


def root_of_beta_but_last(t, tables):
    return tables.betas[t] ** 0.5 if t > 0 else 0.0


def mean_with_the_wrong_sign(x_t, t, eps, tables):
    return posterior(predict_x0(x_t, t, -eps, tables), x_t, t, tables)[0]


def walk(start=lambda x_T: x_T, step=ddpm_step, draw=None):
    def ddpm_sample(model, x_T, schedule, generator=None):
        with torch.no_grad():
            x = start(x_T)
            noise = torch.randn(len(schedule.betas), *x.shape, generator=generator, dtype=x.dtype, device=x.device)
            for t in range(len(schedule.betas) - 1, -1, -1):
                eps = model(x, torch.full((len(x),), t, device=x.device))
                x = step(x, t, eps, schedule, draw(x) if draw else noise[t])
            return x

    return ddpm_sample


OTHER_STYLES = [
    ("q_sample", q(lambda a: torch.exp(a.log()), lambda a: 1 - a), "no_roots"),
    ("ddpm_step", step(mean_with_the_wrong_sign, lambda t, s: posterior(s.betas[0], s.betas[0], t, s)[1] ** 0.5),
     "plus_for_minus"),
    ("ddpm_step", step(right_mean, root_of_beta_but_last), "beta_as_variance"),
    ("ddpm_sample", walk(draw=torch.randn_like), "generator_ignored"),
    ("ddpm_sample", walk(start=torch.zeros_like), "starts_from_zeros"),
    ("ddpm_sample", walk(step=step(right_mean, root_of_beta_but_last)), "ddpm_step/beta_as_variance"),
]  # fmt: skip

TWO_AT_ONCE = [
    ("q_sample", q(lambda a: (1 - a) ** 0.5, lambda a: -(a**0.5))),
    ("q_sample", q(lambda a: a, lambda a: 1 + a)),
    ("ddpm_step", step(mean_with_the_wrong_sign, root_of_beta_but_last)),
    ("ddpm_sample", walk(start=torch.zeros_like, step=step(right_mean, root_of_beta_but_last))),
    ("ddim_timesteps", lambda T, S: [i + 1 for i in range(0, T, T // S)]),
]


def label(value):
    """The same in every process: what a function prints as holds its address."""
    return value if isinstance(value, str) else ""


@pytest.mark.parametrize(("function", "wrong", "name"), OTHER_STYLES, ids=label)
def test_a_mistake_is_named_in_whatever_style_it_is_made(function, wrong, name):
    assert [m.name for m in resembling(wrong, function)][:1] == [name]


@pytest.mark.parametrize(("function", "wrong"), TWO_AT_ONCE, ids=label)
def test_two_mistakes_at_once_have_no_name(function, wrong):
    assert resembling(wrong, function) == []


class Submission(SimpleNamespace):
    """An implementation that can be the key of a dict."""

    __hash__ = object.__hash__


def end_of(sample):
    x_T = torch.ones(4, 2, dtype=torch.float64)
    return sample(lambda x, t: 0 * x, x_T, COARSE, torch.Generator().manual_seed(1))


def test_a_mistake_in_the_step_is_placed_there_and_one_in_the_loop_is_not():
    wrong = step(right_mean, root_of_beta_but_last)
    for own_step, says in ((wrong, True), (ddpm_step, False)):
        submission = Submission(ddpm_step=own_step, ddpm_sample=walk(step=wrong))
        found = diagnose(submission, "ddpm_sample", end_of, end_of(submission.ddpm_sample))
        assert found is None or found.says.endswith(", in ddpm_step") is says
        assert [m.name for m in resembling(submission.ddpm_sample, "ddpm_sample")] == ["ddpm_step/beta_as_variance"]


def test_a_name_must_give_what_was_seen_and_not_only_resemble():
    no_roots = q(lambda a: a, lambda a: 1 - a)

    def q_sample(x0, t, schedule, noise):
        return no_roots(x0, t, schedule, noise) + (len(x0) == 3)

    more = Submission(q_sample=q_sample)
    x, t = torch.ones(4, 2, dtype=torch.float64), torch.tensor([1, 2, 3, 4])
    for size, name in ((4, "no_roots"), (3, None)):
        probe = lambda f, n=size: f(x[:n], t[:n], COARSE, x[:n])  # noqa: E731
        found = diagnose(more, "q_sample", probe, probe(more.q_sample))
        assert (found and found.name) == name


@pytest.mark.parametrize("kind", ["timeout", "gone"])
def test_a_submission_that_hangs_is_asked_once(kind):
    calls = []

    def hangs(*args):
        calls.append(args)
        raise SubmissionError("q_sample", kind, "no answer")

    assert diagnose(Submission(q_sample=hangs), "q_sample", lambda f: f(1), 1.0) is None
    assert len(calls) == 1


class Odd:
    def __eq__(self, other):
        raise RuntimeError("compared")

    __hash__ = None


@pytest.mark.parametrize("returned", [None, Odd(), [Odd()], torch.ones(2).to_sparse(), {"a": 1}, alpha_bar_at])
def test_a_diagnosis_never_fails(returned):
    for function in ("linear_beta_schedule", "make_schedule", "q_sample", "ddpm_loss", "ddpm_step", "ddim_timesteps"):
        submission = Submission(**{function: lambda *args: returned})
        assert diagnose(submission, function, lambda f: f(1), returned) is None
