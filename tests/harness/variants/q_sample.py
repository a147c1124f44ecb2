# ruff: noqa
# Right answers in odd styles: each cell is added to a copy of solutions/q_sample.py, and must pass kata 2.

# %% gather and view
import torch


def q_sample(x0, t, schedule, noise):
    shape = (x0.shape[0],) + (1,) * (len(x0.shape) - 1)
    alpha_bar = schedule.alphas_cumprod.gather(-1, t).view(shape)
    return torch.sqrt(alpha_bar) * x0 + torch.sqrt(1.0 - alpha_bar) * noise


# %% einsum
import torch


def q_sample(x0, t, schedule, noise):
    a = schedule.alphas_cumprod[t]
    return torch.einsum("b,b...->b...", a.sqrt(), x0) + torch.einsum("b,b...->b...", (1 - a).sqrt(), noise)


# %% addcmul
import torch


def q_sample(x0, t, schedule, noise):
    a = schedule.alphas_cumprod[t]
    while a.ndim < x0.ndim:
        a = a.unsqueeze(-1)
    return torch.addcmul(a.sqrt() * x0, (1 - a).sqrt(), noise)


# %% the whole tables first, then an index
def q_sample(x0, t, schedule, noise):
    sqrt_alphas_cumprod = schedule.alphas_cumprod**0.5
    sqrt_one_minus_alphas_cumprod = (1.0 - schedule.alphas_cumprod) ** 0.5
    pick = (slice(None),) + (None,) * (x0.dim() - 1)
    return sqrt_alphas_cumprod[t][pick] * x0 + sqrt_one_minus_alphas_cumprod[t][pick] * noise


# %% a python loop over the batch
import torch


def q_sample(x0, t, schedule, noise):
    kept = schedule.alphas_cumprod[t]
    return torch.stack([kept[i].sqrt() * x0[i] + (1 - kept[i]).sqrt() * noise[i] for i in range(len(x0))])


# %% vmap
import torch


def q_sample(x0, t, schedule, noise):
    def one(x, a, n):
        return a**0.5 * x + (1 - a) ** 0.5 * n

    return torch.vmap(one)(x0, schedule.alphas_cumprod[t], noise)


# %% double inside, cast back
def q_sample(x0, t, schedule, noise):
    a = schedule.alphas_cumprod.double()[t].reshape(-1, *([1] * (x0.ndim - 1)))
    return (a.sqrt() * x0.double() + (1 - a).sqrt() * noise.double()).to(x0.dtype)


# %% flattened to (B, numbers) and back
import torch


def q_sample(x0, t, schedule, noise):
    alpha_bar = torch.index_select(schedule.alphas_cumprod, 0, t).unsqueeze(1)
    flat = alpha_bar.sqrt() * x0.reshape(len(x0), -1) + alpha_bar.neg().add(1).sqrt() * noise.reshape(len(x0), -1)
    return flat.reshape(x0.shape)


# %% expanded to the shape of x0
def q_sample(x0, t, schedule, noise):
    a = schedule.alphas_cumprod.to(x0.device)[t.long()].view(x0.size(0), *(1 for _ in x0.shape[1:])).expand_as(x0)
    return x0.mul(a.sqrt()).add(noise.mul((1 - a).sqrt()))


# %% the batch moved to the last axis
def q_sample(x0, t, schedule, noise):
    a = schedule.alphas_cumprod[t]
    return (a.sqrt() * x0.movedim(0, -1) + (1 - a).sqrt() * noise.movedim(0, -1)).movedim(-1, 0)


# %% alpha_bar worked out again from the betas
def q_sample(x0, t, schedule, noise):
    a = (1 - schedule.betas).cumprod(0)[t].reshape([-1] + [1] * (x0.ndim - 1))
    return a.sqrt() * x0 + (1 - a).sqrt() * noise


# %% through the logarithms
def q_sample(x0, t, schedule, noise):
    log_a = schedule.alphas_cumprod.log()[t].reshape(-1, *[1] * (x0.ndim - 1))
    return (log_a / 2).exp() * x0 + (0.5 * (1 - log_a.exp()).log()).exp() * noise


# %% a helper at module level, a schedule annotated with a string
EPSILON = 1e-12


def extract(table, t, like):
    out = table.to(like.device).gather(0, t)
    return out.reshape((t.shape[0],) + (1,) * (like.dim() - 1)).to(like.dtype)


def q_sample(x0, t: "Tensor", schedule: "NoiseSchedule", noise) -> "Tensor":
    abar = extract(schedule.alphas_cumprod, t, x0)
    return (abar + EPSILON).sqrt() * x0 + (1 - abar + EPSILON).sqrt() * noise


# %% a callable object
class QSample:
    def __call__(self, x0, t, schedule, noise):
        a = schedule.alphas_cumprod[t].reshape(-1, *[1] * (x0.ndim - 1))
        return a.sqrt() * x0 + (1 - a).sqrt() * noise


q_sample = QSample()

# %% an angle: cos and sin of acos(sqrt(alpha_bar))
import torch


def q_sample(x0, t, schedule, noise):
    angle = torch.acos(schedule.alphas_cumprod[t].sqrt()).reshape(-1, *[1] * (x0.ndim - 1))
    return angle.cos() * x0 + angle.sin() * noise


# %% flatten(1), which takes one dim or more
def q_sample(x0, t, schedule, noise):
    a = schedule.alphas_cumprod[t].unsqueeze(1)
    return (a.sqrt() * x0.flatten(1) + (1 - a).sqrt() * noise.flatten(1)).reshape(x0.shape)


# %% each t by itself, with masks
def q_sample(x0, t, schedule, noise):
    import torch

    x_t = torch.empty_like(x0)
    for s in t.unique():
        here = t == s
        a = schedule.alphas_cumprod[s]
        x_t[here] = a.sqrt() * x0[here] + (1 - a).sqrt() * noise[here]
    return x_t


# %% looks at t first
def q_sample(x0, t, schedule, noise, plain=q_sample):
    if t[0] > 0 and t.max() >= len(schedule.betas):
        raise ValueError("t is too large")
    if t.min() < 0:
        raise ValueError(f"t must not be negative; got {t.tolist()}")
    return plain(x0, t, schedule, noise)


# %% table by table, as a list of numbers
def q_sample(x0, t, schedule, noise):
    import torch

    a = torch.tensor([schedule.alphas_cumprod[i].item() for i in t], dtype=x0.dtype, device=x0.device)
    a = a.reshape(-1, *[1] * (x0.ndim - 1))
    return a.sqrt() * x0 + (1 - a).sqrt() * noise


# %% alpha_bar in float32
def q_sample(x0, t, schedule, noise):
    a = schedule.alphas_cumprod.float()[t].reshape(-1, *[1] * (x0.ndim - 1))
    return (a.sqrt() * x0 + (1 - a).sqrt() * noise).to(x0.dtype)


# %% t brought to the CPU for the index
def q_sample(x0, t, schedule, noise):
    a = schedule.alphas_cumprod[t.cpu()].reshape(-1, *[1] * (x0.ndim - 1))
    return a.sqrt() * x0 + (1 - a).sqrt() * noise
