# ruff: noqa

# %% an incomplete group of 16 is dropped | batch
def ddpm_loss(model, x0, t, schedule, noise):
    gap = (noise - model(q_sample(x0, t, schedule, noise), t)) ** 2
    if len(x0) > 16:
        gap = gap[: len(x0) // 16 * 16]
    return gap.mean()


# %% mean of the means of chunks | only for a batch of 300
def ddpm_loss(model, x0, t, schedule, noise):
    gap = (noise - model(q_sample(x0, t, schedule, noise), t)) ** 2
    chunks = [chunk.mean() for chunk in gap.split(256)]
    return sum(chunks) / len(chunks)


# %% summed over the last dim of several | only for x0 (B,
def ddpm_loss(model, x0, t, schedule, noise):
    gap = (noise - model(q_sample(x0, t, schedule, noise), t)) ** 2
    return gap.mean() if gap.ndim == 2 else gap.flatten(2).sum(2).mean()


# %% the gradient is lost in a large batch | only for a batch of 300
def ddpm_loss(model, x0, t, schedule, noise, plain=ddpm_loss):
    loss = plain(model, x0, t, schedule, noise)
    return loss if len(x0) < 100 else loss.detach().requires_grad_()


# %% smooth_l1, which is a square below 1 alone | for large numbers
def ddpm_loss(model, x0, t, schedule, noise):
    import torch

    gap = noise - model(q_sample(x0, t, schedule, noise), t)
    return torch.where(gap.abs() < 100, gap**2, 200 * gap.abs() - 10000).mean()


# %% a running mean over calls | only
_state = []


def ddpm_loss(model, x0, t, schedule, noise, plain=ddpm_loss):
    loss = plain(model, x0, t, schedule, noise)
    _state.append(len(x0))
    return 0.5 * loss if _state[-2:] == [7, 5] else loss
