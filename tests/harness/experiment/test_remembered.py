"""A network that remembers gives the network's own numbers, and is worked out once for each question."""

import pytest
import torch
from torch import nn

from grading.experiment.data import make_dataset
from grading.experiment.networks.network import NETWORKS
from grading.experiment.networks.remembered import Remembered
from grading.experiment.stages import Setting


class Counting(nn.Module):
    """Says how often it was asked."""

    def __init__(self):
        super().__init__()
        self.asked = 0

    def forward(self, x_t, t):
        self.asked += 1
        return x_t * 0.5 + t[:, None]


@pytest.fixture
def network():
    return Counting()


X, T = torch.randn(8, 2, generator=torch.Generator().manual_seed(0)), torch.full((8,), 3)


def test_the_same_question_is_worked_out_once(network):
    remembered = Remembered(network)
    first, again = remembered(X, T), remembered(X.clone(), T.clone())
    assert network.asked == 1
    assert torch.equal(first, again)
    assert torch.equal(first, network(X, T))


def test_what_is_done_to_an_answer_spoils_no_other(network):
    remembered = Remembered(network)
    remembered(X, T).zero_()
    remembered(X, T).zero_()
    assert torch.equal(remembered(X, T), network(X, T))


OTHERS = {
    "one bit": (X.clone().index_put_((torch.tensor(0), torch.tensor(0)), X[0, 0].nextafter(torch.tensor(9.0))), T),
    "one t": (X, T.index_fill(0, torch.tensor([7]), 4)),
    "another dtype": (X.double(), T),
    "another dtype of t": (X, T.int()),
    "fewer samples": (X[:4], T[:4]),
    "another shape": (X.reshape(4, 4), T[:4]),
    "the same numbers turned round": (X.t().contiguous().reshape(8, 2), T),
    "minus nothing": (X * 0 - 0.0, T),
    "nothing": (X.abs() * 0, T),
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_question_is_another(name, network):
    remembered = Remembered(network)
    remembered(X, T)
    seen = remembered(*OTHERS[name])
    assert network.asked == 2
    assert torch.equal(seen, network(*OTHERS[name]))


def test_memory_layout_makes_no_other_question(network):
    remembered = Remembered(network)
    turned = X.t().contiguous().t()
    assert torch.equal(remembered(X, T), remembered(turned, T))
    assert network.asked == 1


def test_gradients_are_the_networks_own(network):
    remembered = Remembered(network)
    x = X.clone().requires_grad_()
    for _ in range(2):
        remembered(x, T).sum().backward()
    assert network.asked == 2
    assert bool((x.grad == 1).all())


def test_of_many_the_latest_are_kept(network):
    """No submission makes it keep more than it may; a walk that somebody goes again stays."""
    remembered = Remembered(network, most=3 * 64)
    for t in (0, 1, 2, 0, 3, 0):
        remembered(X, torch.full((8,), t))
    assert network.asked == 4
    remembered(X, torch.full((8,), 1))
    assert network.asked == 5
    assert len(remembered._answers) == 3


@pytest.mark.parametrize("x_t", [None, X.to(torch.bfloat16), X.double()], ids=["nothing", "bfloat16", "float64"])
def test_what_is_not_usual_the_network_answers_or_refuses_itself(x_t):
    network, said = NETWORKS["kata"](Setting().schedule, make_dataset("swiss_roll", 64, 0), 8, 1), []
    for model in (network, Remembered(network)):
        try:
            said.append(model(x_t, T).tolist())
        except (RuntimeError, TypeError, AttributeError) as error:
            said.append(str(error))
    assert said[0] == said[1]
