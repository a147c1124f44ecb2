"""A network behind a CUDA graph: when the graph answers, and when the network does. A fake plays the graph."""

import pytest
import torch
from torch import nn

from grading.experiment.networks import cuda_graph
from grading.experiment.networks.cuda_graph import Graphed

X, T = torch.ones(4, 2), torch.zeros(4, dtype=torch.int64)


class Doubling(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(2.0))

    def forward(self, x_t, t):
        return self.weight * x_t


@pytest.fixture
def replayed(monkeypatch):
    """What the fake graph has answered."""
    answers = []

    def capture(module, arguments):
        def replay(x_t, t):
            answers.append(module(x_t, t))
            return answers[-1]

        return replay

    monkeypatch.setattr("torch.cuda.make_graphed_callables", capture)
    return answers


def test_where_nothing_can_be_captured_the_network_answers(monkeypatch):
    def refuse(*_):
        raise RuntimeError("no graph today")

    monkeypatch.setattr("torch.cuda.make_graphed_callables", refuse)
    model = Graphed(Doubling(), X, T)
    model(X, T).sum().backward()
    assert model.network.weight.grad == 8


def test_a_question_of_the_captured_kind_goes_to_the_graph_once_a_step(replayed):
    model = Graphed(Doubling(), X, T)
    for steps in (1, 2):
        answer = model(X, T)
        assert len(replayed) == steps
        second = model(X, T)  # before the first one's gradient: the buffers are in use
        assert len(replayed) == steps
        assert torch.equal(answer, second)
        (answer.sum() + second.sum()).backward()
        assert model.network.weight.grad == 16 * steps
        model.done()


@pytest.mark.parametrize(
    ("x_t", "t"),
    [(X[:3], T[:3]), (X.double(), T), (X, T.int()), (X.clone().requires_grad_(), T), (X, 0)],
    ids=["another batch", "another dtype", "another t", "a gradient for x_t", "a number for t"],
)
def test_another_question_goes_to_the_network(x_t, t, replayed):
    model = Graphed(Doubling(), X, T)
    assert torch.equal(model(x_t, t), 2 * x_t)
    assert replayed == []
    model(X, T)
    assert len(replayed) == 1


def test_without_gradients_the_network_answers(replayed):
    model = Graphed(Doubling(), X, T)
    with torch.no_grad():
        model(X, T)
    assert replayed == []


def test_the_answer_is_no_buffer_of_the_graph(replayed):
    answer = Graphed(Doubling(), X, T)(X, T)
    with torch.no_grad():
        replayed[0].zero_()
    assert torch.equal(answer, 2 * X)


def test_the_captured_module_is_not_the_network_itself(replayed):
    """A capture replaces `forward` of what it is given; the network must go on answering other questions."""
    network = Doubling()
    assert cuda_graph._captured(network, X, T)(X, T).grad_fn is not None
    assert "forward" not in vars(network)
