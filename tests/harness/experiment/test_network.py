"""The network that is trained: one answer however it is asked, points astray at t = 0, all weights as one vector."""

import pytest
import torch

from grading.experiment.networks.network import KataNetwork
from grading.experiment.networks.training import in_one
from grading.machine.threads import one_thread
from grading.submission.contract import linear_schedule

SCHEDULE = linear_schedule(1000, torch.float32, "cpu")
SIGMA = (1 / SCHEDULE.alphas_cumprod - 1).sqrt()


@pytest.fixture
def network():
    torch.manual_seed(0)
    return KataNetwork(SCHEDULE, 2 * torch.randn(100, 2), width=16, depth=2).eval().requires_grad_(False)


@pytest.mark.parametrize("t", [1, 500, 999])
def test_one_t_for_all_points_is_answered_as_if_it_were_many(network, t):
    x_t, ts = torch.randn(20, 2), torch.full((20,), t)
    mixed = network(torch.cat([x_t, x_t[:1]]), torch.cat([ts, torch.tensor([7])]))[:-1]
    assert torch.allclose(network(x_t, ts), mixed, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("t", [0, 1])
def test_a_point_astray_comes_home_at_the_last_question_alone(network, t, training):
    """A network that goes half of the way: from 1, five halvings more, until the next would be within two sigma."""
    network.guess = lambda y, t: y / 2
    network.train(training)
    y = torch.tensor([[1.0, 0.0], [0.01, 0.0]])
    x_t = y * SCHEDULE.alphas_cumprod[t].sqrt()
    x0 = y - SIGMA[t] * network(x_t, torch.full((2,), t))
    due = torch.tensor([[1 / 32, 0.0], [0.0025, 0.0]]) if t == 0 and not training else y / 2
    assert torch.allclose(x0, due, atol=1e-4)  # x_t is float32


def test_a_point_that_never_comes_home_is_no_endless_loop(network):
    network.guess = lambda y, t: y + 1
    assert network(torch.zeros(3, 2), torch.zeros(3, dtype=torch.int64)).isfinite().all()


def test_only_the_rows_about_t_0_are_led_home(network):
    network.guess = lambda y, t: y / 2
    x_t, t = torch.ones(2, 2), torch.tensor([0, 1])
    answers = network(x_t, t)
    assert torch.allclose(answers[0], network(x_t[:1], t[:1])[0])
    assert torch.allclose(answers[1], network(x_t[1:], t[1:])[0])


def test_weights_in_one_vector_are_the_weights(network):
    """The same numbers as before, gradients that arrive there, and an answer that follows when the vector changes."""
    network.train().requires_grad_(True)
    x_t, t = torch.randn(8, 2), torch.arange(8)
    before, weights = network(x_t, t), list(network.parameters())
    apart = torch.cat([part.flatten() for part in torch.autograd.grad(before.square().sum(), weights)])
    whole = in_one(network)
    after = network(x_t, t)
    assert torch.equal(after, before)
    after.square().sum().backward()
    assert torch.allclose(whole.grad, apart)
    whole.detach().zero_()
    assert not any(weight.any() for weight in weights)


def test_threads_are_given_back_even_after_an_error():
    before = torch.get_num_threads()
    with pytest.raises(ValueError, match="1 thread"), one_thread():
        raise ValueError(f"{torch.get_num_threads()} thread")
    assert torch.get_num_threads() == before
