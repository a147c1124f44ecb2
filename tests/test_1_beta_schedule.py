"""Kata 1. The noise schedule: beta, alpha and alpha_bar."""

import math

import pytest
import torch

from grading.judging import closed_form
from grading.judging.compare import SINGLE, Sentence, kind
from grading.judging.property_tests import given, st

from condition_checks import EveryCondition

f64 = torch.float64
betas_between = st.floats(0.001, 0.5)


def evenly(start: float, end: float, steps: int) -> list[float]:
    return [start + (end - start) * t / (steps - 1) for t in range(steps)]


def single_beta(betas: torch.Tensor, low: float, high: float) -> str:
    """T = 1 leaves open which end to take; anything else is wrong."""
    inside = betas.numel() == 1 and low - 1e-6 <= betas.item() <= high + 1e-6
    return f"shape {tuple(betas.shape)}, {'inside' if inside else 'outside'} [beta_start, beta_end]"


@pytest.mark.task("1.1")
def test_three_linear_betas_by_hand(kata):
    """The betas run from beta_start to beta_end, both included."""
    kata.double(3, 0.1, 0.3).gives(torch.tensor([0.1, 0.2, 0.3], dtype=f64), "worked by hand")


@pytest.mark.task("1.1")
def test_linear_betas_have_the_default_dtype(kata):
    """A schedule is made in torch's default dtype: float32, unless somebody changed it."""
    kata(4, 0.1, 0.4).gives(torch.tensor([0.1, 0.2, 0.3, 0.4]), "the default dtype is float32", SINGLE)


@pytest.mark.task("1.1")
def test_the_papers_linear_betas(kata):
    """Without further arguments: DDPM's own schedule, from 1e-4 to 0.02."""
    kata.double(1000).gives(torch.tensor(evenly(1e-4, 0.02, 1000), dtype=f64), "DDPM section 4")


@pytest.mark.task("1.1")
def test_a_linear_schedule_of_one_step(kata):
    """T = 1 is a schedule too: T - 1 is 0 then, and nothing may be divided by it."""
    call = kata.probe("linear_beta_schedule(1, 0.1, 0.3)", lambda f: single_beta(f(1, 0.1, 0.3), 0.1, 0.3))
    call.gives("shape (1,), inside [beta_start, beta_end]", "one step, one beta")


@pytest.mark.task("1.1")
@given(steps=st.integers(2, 60), start=betas_between, end=betas_between)
def test_linear_betas_are_evenly_spaced(kata, steps, start, end):
    """Whatever the ends and the number of steps: a straight line."""
    kata.double(steps, start, end).gives(torch.tensor(evenly(start, end, steps), dtype=f64), "DDPM section 4")


@pytest.mark.task("1.2")
def test_three_quadratic_betas_by_hand(kata):
    """The square roots 0.1, 0.2, 0.3 are evenly spaced."""
    kata.double(3, 0.01, 0.09).gives(torch.tensor([0.01, 0.04, 0.09], dtype=f64), "worked by hand")


@pytest.mark.task("1.2")
def test_quadratic_betas_have_the_default_dtype(kata):
    """A schedule is made in torch's default dtype: float32, unless somebody changed it."""
    kata(3, 0.04, 0.36).gives(torch.tensor([0.04, 0.16, 0.36]), "the default dtype is float32", SINGLE)


@pytest.mark.task("1.2")
def test_quadratic_betas_with_the_papers_ends(kata):
    """Without further arguments: from 1e-4 to 0.02."""
    expected = [root**2 for root in evenly(1e-4**0.5, 0.02**0.5, 1000)]
    kata.double(1000).gives(torch.tensor(expected, dtype=f64), "sqrt(beta) on a straight line")


@pytest.mark.task("1.2")
def test_a_quadratic_schedule_of_one_step(kata):
    """T = 1 is a schedule too."""
    call = kata.probe("quadratic_beta_schedule(1, 0.1, 0.3)", lambda f: single_beta(f(1, 0.1, 0.3), 0.1, 0.3))
    call.gives("shape (1,), inside [beta_start, beta_end]", "one step, one beta")


@pytest.mark.task("1.2")
@given(steps=st.integers(2, 60), start=betas_between, end=betas_between)
def test_quadratic_betas_are_linear_in_the_root(kata, steps, start, end):
    """Whatever the ends: their square roots lie on a straight line."""
    expected = [root**2 for root in evenly(start**0.5, end**0.5, steps)]
    kata.double(steps, start, end).gives(torch.tensor(expected, dtype=f64), "sqrt(beta) on a straight line")


@pytest.mark.task("1.3")
def test_two_cosine_betas_by_hand(kata):
    """cos(pi/4) ** 2 = 1/2, so half is left after the first step; the last would be 1, and is clipped."""
    kata.double(2, s=0.0).gives(torch.tensor([0.5, 0.999], dtype=f64), "worked by hand")


@pytest.mark.task("1.3")
def test_cosine_betas_have_the_default_dtype(kata):
    """Work in float64 inside if you like, but hand back torch's default dtype."""
    kata(5).gives(closed_form.cosine_beta_schedule(5).float(), "the default dtype is float32", SINGLE)


@pytest.mark.task("1.3")
def test_cosine_betas_leave_the_cosine_as_alpha_bar(kata):
    """What is left after t steps, alpha_bar, is f(t + 1) / f(0): the betas are only the way to it."""
    betas = kata.double(20)
    call = kata.probe(f"{betas.called}, then (1 - betas).cumprod(0)", lambda f: (1 - betas.probe(f)[:19]).cumprod(0))
    left = [math.cos((u / 20 + 0.008) / 1.008 * math.pi / 2) ** 2 for u in range(20)]
    call.gives(torch.tensor(left[1:], dtype=f64) / left[0], "Nichol & Dhariwal eq. 17")


@pytest.mark.task("1.3")
def test_the_offset_s_is_used(kata):
    """s keeps the first betas from vanishing; it is an argument, not always 0.008."""
    kata.double(7, s=0.1).gives(closed_form.cosine_beta_schedule(7, s=0.1), "Nichol & Dhariwal eq. 17, s = 0.1")


@pytest.mark.task("1.3")
def test_betas_are_clipped_at_max_beta(kata):
    """Near the end the ratio goes to 0 and beta to 1: no step may wipe out everything."""
    kata.double(7, max_beta=0.4).gives(
        closed_form.cosine_beta_schedule(7, max_beta=0.4), "Nichol & Dhariwal section 3.2, clipped at 0.4"
    )


@pytest.mark.task("1.3")
def test_a_thousand_cosine_betas(kata):
    """The first are far smaller than DDPM's 1e-4, and clipped from above alone: 4e-5, rising to max_beta."""
    kata.double(1000).gives(closed_form.cosine_beta_schedule(1000), "Nichol & Dhariwal eq. 17")


@pytest.mark.task("1.3")
@pytest.mark.parametrize("s", [0.0, 0.008])
def test_cosine_betas_rise_and_stay_between_0_and_1(kata, s):
    """Each step takes away more than the one before it, and none takes all."""

    def order(f):
        betas = f(50, s)
        rising = "rise" if bool((betas.diff() > 0).all()) else "do not rise"
        return f"they {rising}, {'inside' if betas.min() > 0 and betas.max() < 1 else 'outside'} (0, 1)"

    kata.probe(f"the betas of cosine_beta_schedule(50, s={s})", order).gives("they rise, inside (0, 1)", "eq. 17")


@pytest.mark.task("1.3")
@given(steps=st.integers(1, 60), s=st.floats(0.0, 0.2), max_beta=st.floats(0.3, 0.999))
def test_cosine_betas_follow_equation_17(kata, steps, s, max_beta):
    """Any T, any offset, any clip."""
    kata.double(steps, s, max_beta).gives(
        closed_form.cosine_beta_schedule(steps, s, max_beta), "Nichol & Dhariwal eq. 17"
    )


def table(name: str, betas: torch.Tensor):
    def look(f):
        made = f(betas)
        without = Sentence(f"{kind(made)} is returned, which has no {name}: a NoiseSchedule is asked for")
        return made if made is None else getattr(made, name, without)

    return f"make_schedule(betas {tuple(betas.shape)}).{name}", look


@pytest.mark.task("1.4")
def test_alpha_is_what_beta_leaves(kata):
    """A step that adds the variance beta keeps the fraction alpha = 1 - beta."""
    betas = kata.on(torch.tensor([0.1, 0.3], dtype=f64))
    kata.probe(*table("alphas", betas)).gives(kata.on(torch.tensor([0.9, 0.7], dtype=f64)), "alpha = 1 - beta")


@pytest.mark.task("1.4")
def test_alpha_bar_by_hand(kata):
    """Two halvings leave a quarter."""
    betas = kata.on(torch.tensor([0.5, 0.5], dtype=f64))
    kata.probe(*table("alphas_cumprod", betas)).gives(kata.on(torch.tensor([0.5, 0.25], dtype=f64)), "0.5, 0.5 * 0.5")


@pytest.mark.task("1.4")
def test_the_betas_are_kept(kata):
    """The schedule carries the betas as they came in."""
    betas = kata.on(torch.tensor([0.1, 0.2, 0.3], dtype=f64))
    kata.probe(*table("betas", betas)).gives(betas, "betas is handed on")


@pytest.mark.task("1.4")
@pytest.mark.parametrize("name", ["betas", "alphas", "alphas_cumprod"])
def test_the_dtype_of_betas_is_kept(kata, name):
    """float64 stays float64, float32 stays float32."""
    for dtype in (torch.float64, torch.float32):
        betas = kata.on(torch.tensor([0.5], dtype=dtype))
        kata.probe(*table(name, betas)).gives(betas, "0.5, 1 - 0.5 and the product of one number", SINGLE)


@pytest.mark.task("1.4")
def test_make_schedule_leaves_betas_alone(kata):
    """Nothing is changed in place."""
    kata.untouched(kata.on(torch.tensor([0.1, 0.2, 0.3], dtype=f64))).gives(
        "nothing is changed in place", "inputs never change"
    )


@pytest.mark.task("1.4")
@given(betas=st.lists(st.floats(0.01, 0.9), min_size=1, max_size=12))
def test_alpha_bar_is_the_running_product(kata, betas):
    """alpha_bar_t is what all the steps up to t keep, t included."""
    left = [math.prod(1 - beta for beta in betas[: t + 1]) for t in range(len(betas))]
    given_betas = kata.on(torch.tensor(betas, dtype=f64))
    kata.probe(*table("alphas_cumprod", given_betas)).gives(kata.on(torch.tensor(left, dtype=f64)), "DDPM section 2")


@pytest.mark.task("1.4")
def test_the_schedule_stays_on_the_device_of_betas(kata):
    """Betas on a GPU give tables on that GPU."""
    betas = torch.tensor([0.1, 0.3, 0.2], dtype=f64)
    kata.elsewhere(betas).gives(closed_form.make_schedule(betas), "the device of betas")


ENDS = [{name: beta} for name in ("beta_start", "beta_end") for beta in (0.0, 1.0, -0.1, 1.5)]
NO_STEPS = [{"num_timesteps": 0}, {"num_timesteps": -3}]


@pytest.mark.task("1.1")
class TestLinearBetas(EveryCondition):
    due, source = staticmethod(closed_form.linear_beta_schedule), "DDPM section 4"
    refused = [*NO_STEPS, *ENDS]


@pytest.mark.task("1.2")
class TestQuadraticBetas(EveryCondition):
    due, source = staticmethod(closed_form.quadratic_beta_schedule), "sqrt(beta) on a straight line"
    refused = [*NO_STEPS, *ENDS]


@pytest.mark.task("1.3")
class TestCosineBetas(EveryCondition):
    due, source = staticmethod(closed_form.cosine_beta_schedule), "Nichol & Dhariwal eq. 17"
    refused = NO_STEPS


@pytest.mark.task("1.4")
class TestMakeSchedule(EveryCondition):
    due, source = staticmethod(closed_form.make_schedule), "DDPM section 2"
    refused = [{"betas": torch.full((2, 2), 0.1)}, {"betas": torch.tensor(0.1)}]
