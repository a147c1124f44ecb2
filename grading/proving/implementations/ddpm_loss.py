"""3.1 ddpm_loss: the mean over every element of (noise - model(x_t, t))^2."""

import torch

from grading.proving.implementations import right, wrong
from grading.proving.implementations.q_sample import as_the_paper as q_sample

EXAMPLE = '''
def test_the_loss_is_one_number(ddpm_loss, schedule_of):
    """A batch of four points has one loss."""
    x0, noise, t = torch.randn(4, 2), torch.randn(4, 2), torch.tensor([0, 1, 2, 0])
    assert ddpm_loss(lambda x_t, t: 0 * x_t, x0, t, schedule_of([0.1, 0.2, 0.3]), noise).shape == ()
'''


@right("the paper's own", "it is eq. 14: allow 1e-6")
def as_the_paper(model, x0, t, schedule, noise):
    return (noise - model(q_sample(x0, t, schedule, noise), t)).square().mean()


@right("the one that calls mse_loss", "torch's own mean squared error, the other way round: allow 1e-6")
def by_mse_loss(model, x0, t, schedule, noise):
    return torch.nn.functional.mse_loss(model(q_sample(x0, t, schedule, noise), t), noise)


@right("the one that averages each sample first", "samples of equal size: the mean of means is the mean: allow 1e-6")
def sample_by_sample(model, x0, t, schedule, noise):
    errors = noise - model(q_sample(x0, t, schedule, noise), t)
    return (errors**2).reshape(len(x0), -1).mean(dim=1).mean()


@right("the one that divides a sum at the end", "it adds in another order: allow 1e-6")
def sum_over_count(model, x0, t, schedule, noise):
    answer = model(q_sample(x0, t, schedule, noise), t)
    errors = (answer - noise).reshape(-1)
    return (errors * errors).sum() / errors.numel()


@right("the one that takes a norm", "a mean of squares is a squared norm over a count: allow 1e-5")
def by_norm(model, x0, t, schedule, noise):
    x_t = q_sample(x0, t, schedule, noise).contiguous()
    return torch.linalg.vector_norm(noise - model(x_t, t)).square() / noise.numel()


@wrong(
    "a sum over the numbers of a sample, then a mean over the batch",
    "If a model is off by 1 everywhere, what is the loss? And with more numbers in each sample?",
)
def sum_over_dims(model, x0, t, schedule, noise):
    errors = (noise - model(q_sample(x0, t, schedule, noise), t)).square()
    return errors.reshape(len(x0), -1).sum(dim=1).mean()


@wrong(
    "the model's answer is compared with x0, not with the noise", "What is the loss of a model that answers rightly?"
)
def against_x0(model, x0, t, schedule, noise):
    return (x0 - model(q_sample(x0, t, schedule, noise), t)).square().mean()


@wrong("the model is shown x0, before any noise is in it", "What does the model see? Write down what it was asked.")
def shows_x0(model, x0, t, schedule, noise):
    return (noise - model(x0, t)).square().mean()


@wrong("the error without its square", "If every error doubles, what becomes of the loss?")
def absolute(model, x0, t, schedule, noise):
    return (noise - model(q_sample(x0, t, schedule, noise), t)).abs().mean()


@wrong(
    "no gradient reaches the model: nothing would be learnt", "What does training need of the loss, besides its value?"
)
def detached(model, x0, t, schedule, noise):
    with torch.no_grad():
        return (noise - model(q_sample(x0, t, schedule, noise), t)).square().mean()
