import torch


def nothing(x_t, t):
    return 0 * x_t


def test_every_t_is_asked_from_the_last_to_the_first(ddpm_sample, schedule_of):
    seen = []
    ddpm_sample(lambda x_t, t: seen.append(t.tolist()) or 0 * x_t, torch.randn(2, 2), schedule_of([0.1, 0.2, 0.3]))
    assert seen == [[2, 2], [1, 1], [0, 0]]


def test_the_noise_is_fresh_in_each_step(ddpm_sample, schedule_of):
    x, betas = torch.zeros(20_000, 1), torch.tensor([0.2, 0.2, 0.2])
    kept, variance = (1 - betas).cumprod(0), 0.0
    for t in (2, 1, 0):
        before = kept[t - 1] if t else 1.0
        variance = variance / 0.8 + 0.2 * (1 - before) / (1 - kept[t])
    assert (ddpm_sample(nothing, x, schedule_of(betas)).var() / variance - 1).abs() < 0.06


def test_equal_generators_give_equal_walks(ddpm_sample, schedule_of):
    x, schedule = torch.randn(2, 2), schedule_of([0.1, 0.2, 0.3])
    first, second = (ddpm_sample(nothing, x, schedule, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(first, second)


def test_no_gradient_is_recorded(ddpm_sample, schedule_of):
    weight = torch.ones((), requires_grad=True)
    assert not ddpm_sample(lambda x, t: weight * x, torch.randn(2, 2), schedule_of([0.1, 0.2])).requires_grad
