# ruff: noqa
# Right answers in odd styles: each cell is added to a copy of solutions/ddpm_step.py, and must pass kata 4.

# %% step: x0 first, then the posterior mean
def ddpm_step(x_t, t, eps, schedule, noise):
    ab = schedule.alphas_cumprod[t]
    ab_prev = schedule.alphas_cumprod[t - 1] if t > 0 else torch.ones_like(ab)
    x0 = (x_t - (1 - ab) ** 0.5 * eps) / ab**0.5
    mean = (ab_prev**0.5 * schedule.betas[t] * x0 + schedule.alphas[t] ** 0.5 * (1 - ab_prev) * x_t) / (1 - ab)
    return mean + ((1 - ab_prev) / (1 - ab) * schedule.betas[t]) ** 0.5 * noise


# %% step: half the log-variance, clipped, and a mask at t = 0
def ddpm_step(x_t, t, eps, schedule, noise):
    ab = schedule.alphas_cumprod
    ab_prev = torch.cat([torch.ones_like(ab[:1]), ab[:-1]])
    log_variance = torch.log((schedule.betas * (1 - ab_prev) / (1 - ab)).clamp(min=1e-20))
    mean = schedule.alphas[t].rsqrt() * (x_t - schedule.betas[t] * (1 - ab[t]).rsqrt() * eps)
    nonzero = float(t != 0)
    return mean + nonzero * torch.exp(0.5 * log_variance[t]) * noise


# %% step: addcmul and in-place work on its own tensors
def ddpm_step(x_t, t, eps, schedule, noise):
    beta, alpha, alpha_bar = (table[t] for table in schedule)
    x = torch.addcmul(x_t, -beta / (1 - alpha_bar).sqrt(), eps)
    x /= alpha.sqrt()
    if t > 0:
        x += ((1 - schedule.alphas_cumprod[t - 1]) / (1 - alpha_bar) * beta).sqrt() * noise
    return x


# %% step: the general DDIM step at eta = 1
def ddpm_step(x_t, t, eps, schedule, noise):
    ab = schedule.alphas_cumprod[t]
    ab_prev = schedule.alphas_cumprod[t - 1] if t >= 1 else 1.0
    sigma2 = (1 - ab_prev) / (1 - ab) * (1 - ab / ab_prev)
    x0 = (x_t - (1 - ab).sqrt() * eps) / ab.sqrt()
    return ab_prev**0.5 * x0 + (1 - ab_prev - sigma2).clamp(min=0) ** 0.5 * eps + sigma2**0.5 * noise


# %% step: torch.where for t == 0
def ddpm_step(x_t, t, eps, schedule, noise):
    beta, alpha, alpha_bar = schedule.betas[t], schedule.alphas[t], schedule.alphas_cumprod[t]
    variance = (1 - alpha_bar / alpha) / (1 - alpha_bar) * beta
    sigma = torch.where(torch.tensor(t == 0, device=x_t.device), torch.zeros_like(variance), variance.abs().sqrt())
    return (x_t - beta * eps / (1 - alpha_bar).sqrt()) / alpha.sqrt() + sigma * noise


# %% step: double inside, cast back
def ddpm_step(x_t, t, eps, schedule, noise):
    betas = schedule.betas.double()
    alpha_bars = torch.cumprod(1 - betas, 0)
    mean = (x_t.double() - betas[t] / (1 - alpha_bars[t]).sqrt() * eps.double()) / (1 - betas[t]).sqrt()
    if t == 0:
        return mean.type_as(x_t)
    var = betas[t] * (1 - alpha_bars[t - 1]) / (1 - alpha_bars[t])
    return (mean + var.sqrt() * noise.double()).type_as(x_t)


# %% step: padded table of alpha_bar_prev, coefficients of (DDPM eq. 7)
import torch.nn.functional as F


def ddpm_step(x_t, t, eps, schedule, noise):
    alphas_cumprod_prev = F.pad(schedule.alphas_cumprod[:-1], (1, 0), value=1.0)
    posterior_variance = schedule.betas * (1.0 - alphas_cumprod_prev) / (1.0 - schedule.alphas_cumprod)
    recip, recipm1 = (1.0 / schedule.alphas_cumprod).sqrt(), (1.0 / schedule.alphas_cumprod - 1).sqrt()
    x_start = recip[t] * x_t - recipm1[t] * eps
    coef1 = schedule.betas * torch.sqrt(alphas_cumprod_prev) / (1.0 - schedule.alphas_cumprod)
    coef2 = (1.0 - alphas_cumprod_prev) * torch.sqrt(schedule.alphas) / (1.0 - schedule.alphas_cumprod)
    return coef1[t] * x_start + coef2[t] * x_t + (posterior_variance[t].sqrt() * noise if t else 0)


# %% step: t as a batch, gathered, like the forward process
def ddpm_step(x_t, t, eps, schedule, noise):
    batch = torch.full((x_t.shape[0],), t, dtype=torch.long, device=x_t.device)
    pick = lambda table: table.gather(0, batch).view(-1, *[1] * (x_t.ndim - 1))
    beta, alpha, ab = pick(schedule.betas), pick(schedule.alphas), pick(schedule.alphas_cumprod)
    ab_prev = torch.where((batch > 0).view_as(ab), ab / alpha, torch.ones_like(ab))
    mean = torch.sqrt(1 / alpha) * (x_t - beta / torch.sqrt(1 - ab) * eps)
    return mean + torch.sqrt(beta * (1 - ab_prev) / (1 - ab)) * noise


# %% step: inference_mode
@torch.inference_mode()
def ddpm_step(x_t, t, eps, schedule, noise):
    a, ab = schedule.alphas[t], schedule.alphas_cumprod[t]
    mean = (x_t - (1 - a) / torch.sqrt(1 - ab) * eps) / torch.sqrt(a)
    return mean if t == 0 else mean + torch.sqrt((1 - ab / a) / (1 - ab) * (1 - a)) * noise


# %% step: keyword arguments, noise switched off by a product
def ddpm_step(x_t, t, eps, schedule, noise):
    alpha_bar_prev = schedule.alphas_cumprod[max(t - 1, 0)]
    alpha_bar = schedule.alphas_cumprod[t]
    sigma = torch.sqrt((1 - alpha_bar_prev) / (1 - alpha_bar) * schedule.betas[t])
    mean = torch.div(
        x_t - torch.mul(schedule.betas[t] / torch.sqrt(1 - alpha_bar), eps), torch.sqrt(schedule.alphas[t])
    )
    return torch.add(input=mean, other=sigma * noise, alpha=int(t > 0))


# %% sample: while, a no_grad block, long t
def ddpm_sample(model, x_T, schedule, generator=None):
    x, t = x_T.clone(), len(schedule.betas) - 1
    with torch.no_grad():
        while t >= 0:
            batch = torch.full((x.shape[0],), t, dtype=torch.long, device=x.device)
            noise = torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)
            x = ddpm_step(x, t, model(x, batch), schedule, noise)
            t -= 1
    return x


# %% sample: no draw where none is needed
@torch.no_grad()
def ddpm_sample(model, x_T, schedule, generator=None):
    x = x_T
    for i in range(schedule.betas.shape[0]):
        t = schedule.betas.shape[0] - 1 - i
        eps = model(x, x.new_full((x.shape[0],), t, dtype=torch.long))
        if t > 0:
            noise = torch.empty_like(x).normal_(generator=generator)
        else:
            noise = torch.zeros_like(x)
        x = ddpm_step(x_t=x, t=t, eps=eps, schedule=schedule, noise=noise)
    return x


# %% sample: every noise drawn before the walk
@torch.no_grad()
def ddpm_sample(model, x_T, schedule, generator=None):
    T = schedule.alphas_cumprod.numel()
    noises = torch.randn(T, *x_T.shape, generator=generator, dtype=x_T.dtype, device=x_T.device)
    x = x_T
    for t, noise in zip(range(T - 1, -1, -1), noises):
        x = ddpm_step(x, t, model(x, torch.tensor([t], device=x.device).expand(x.size(0))), schedule, noise)
    return x


# %% sample: inference_mode, randn_like where no generator is given
@torch.inference_mode()
def ddpm_sample(model, x_T, schedule, generator=None):
    img = x_T
    for t in torch.arange(len(schedule.betas)).flip(0).tolist():
        eps = model(img, torch.zeros(len(img), dtype=torch.int64, device=img.device) + t)
        if generator is None:
            z = torch.randn_like(img)
        else:
            z = torch.randn(img.shape, generator=generator, device=img.device, dtype=img.dtype)
        img = ddpm_step(img, t, eps, schedule, z)
    return img


# %% sample: a fold over the timesteps
from functools import reduce


@torch.no_grad()
def ddpm_sample(model, x_T, schedule, generator=None):
    def one(x, t):
        noise = (
            torch.randn(*x.shape, generator=generator).to(x)
            if x.device.type == "cpu"
            else torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        )
        return ddpm_step(x, t, model(x, torch.tensor([t] * len(x), device=x.device)), schedule, noise)

    return reduce(one, reversed(range(len(schedule.betas))), x_T)


# %% sample: the step written out, noise from torch.normal, the batch of t counted down
@torch.no_grad()
def ddpm_sample(model, x_T, schedule, generator=None):
    x, batch = x_T.detach().clone(), torch.full(x_T.shape[:1], len(schedule.betas), device=x_T.device)
    ab_prev = torch.cat((schedule.alphas_cumprod.new_ones(1), schedule.alphas_cumprod[:-1]))
    sigmas = (schedule.betas * (1 - ab_prev) / (1 - schedule.alphas_cumprod)).sqrt()
    for t in range(len(schedule.betas))[::-1]:
        batch = batch - 1
        x -= schedule.betas[t] / (1 - schedule.alphas_cumprod[t]).sqrt() * model(x, batch)
        x = x / schedule.alphas[t].sqrt()
        x = x + sigmas[t] * torch.normal(torch.zeros_like(x), torch.ones_like(x), generator=generator)
    return x


# %% sample: only the model is called without gradients; states come from a python generator
def _states(model, x, schedule, generator):
    for t in sorted(range(len(schedule.betas)), reverse=True):
        with torch.no_grad():
            eps = model(x, torch.ones(x.shape[0], dtype=torch.long, device=x.device).mul(t))
        noise = torch.randn(x.size(), generator=generator, dtype=x.dtype, device=x.device)
        x = ddpm_step(x, t, eps, schedule, noise)
        yield x


def ddpm_sample(model, x_T, schedule, generator=None):
    *_, x_0 = _states(model, x_T, schedule, generator)
    return x_0


# %% module: absolute import, no type hints, a print at import
from beta_schedule import NoiseSchedule as Schedule

print("ddpm_step imported")


def ddpm_step(x_t, t, eps, schedule, noise):
    a, abar = schedule.alphas[t], schedule.alphas_cumprod[t]
    x = 1 / a**0.5 * (x_t - (1 - a) / (1 - abar) ** 0.5 * eps)
    if not t:
        return x
    return x + (((1 - schedule.alphas_cumprod[t - 1]) * schedule.betas[t]) / (1 - abar)) ** 0.5 * noise


if __name__ == "__main__":
    print("not as a script")


# %% loop: asking about half of the samples at a time
@torch.no_grad()
def ddpm_sample(model, x_T, schedule, generator=None):
    x = x_T.clone()
    for t in range(len(schedule.betas) - 1, -1, -1):
        halves = [half for half in x.chunk(2) if len(half)]
        eps = torch.cat([model(half, torch.full((len(half),), t, device=x.device)) for half in halves])
        noise = torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)
        x = ddpm_step(x, t, eps, schedule, noise)
    return x


# %% loop: the walk of one half, then that of the other
@torch.no_grad()
def ddpm_sample(model, x_T, schedule, generator=None):
    ends = []
    for x in x_T.split(max(1, (len(x_T) + 1) // 2)):
        for t in range(len(schedule.betas) - 1, -1, -1):
            noise = torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)
            x = ddpm_step(x, t, model(x, torch.full((len(x),), t, device=x.device)), schedule, noise)
        ends.append(x)
    return torch.cat(ends)


# %% loop: every second sample first, t expanded without a copy
@torch.no_grad()
def ddpm_sample(model, x_T, schedule, generator=None):
    x = x_T.clone()
    for t in range(len(schedule.betas) - 1, -1, -1):
        eps = torch.zeros_like(x)
        for first in range(min(2, len(x))):
            part = x[first::2]
            eps[first::2] = model(part, torch.tensor(t, device=x.device).expand(len(part)))
        x = ddpm_step(x, t, eps, schedule, torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype))
    return x


# %% step: tables kept in float32
def ddpm_step(x_t, t, eps, schedule, noise):
    betas = schedule.betas.float()
    bars = torch.cumprod(1 - betas, 0)
    beta, bar = betas[t], bars[t]
    mean = (x_t - beta / torch.sqrt(1 - bar) * eps) / torch.sqrt(1 - beta)
    if t == 0:
        return mean
    return mean + torch.sqrt((1 - bars[t - 1]) / (1 - bar) * beta) * noise


# %% step: beta out of float32 alpha_bars
def ddpm_step(x_t, t, eps, schedule, noise):
    bars = schedule.alphas_cumprod.float()
    bar, before = bars[t], bars[t - 1] if t > 0 else torch.ones_like(bars[0])
    alpha = bar / before
    beta = 1 - alpha
    x0 = (x_t - (1 - bar).sqrt() * eps) / bar.sqrt()
    mean = before.sqrt() * beta / (1 - bar) * x0 + alpha.sqrt() * (1 - before) / (1 - bar) * x_t
    return mean + ((1 - before) / (1 - bar) * beta).clamp(min=1e-20).sqrt() * noise if t > 0 else mean


# %% step: checks its mean, and prints it
def ddpm_step(x_t, t, eps, schedule, noise, plain=ddpm_step):
    mean = plain(x_t, t, eps, schedule, torch.zeros_like(noise))
    assert torch.isfinite(mean).all()
    print(f"{mean.mean():.3f}", mean.min().item())
    return plain(x_t, t, eps, schedule, noise)


# %% step: a sigma as a Python number
def ddpm_step(x_t, t, eps, schedule, noise):
    import math

    beta, bar = float(schedule.betas[t]), float(schedule.alphas_cumprod[t])
    mean = (x_t - beta / math.sqrt(1 - bar) * eps) / math.sqrt(1 - beta)
    sigma = math.sqrt((1 - float(schedule.alphas_cumprod[t - 1])) / (1 - bar) * beta) if t else 0.0
    return mean + sigma * noise if sigma > 0 else mean


# %% sample: looks at its points on the way
@torch.no_grad()
def ddpm_sample(model, x_T, schedule, generator=None):
    x, means = x_T, []
    for t in reversed(range(len(schedule.betas))):
        eps = model(x, torch.full((len(x),), t, device=x.device))
        noise = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        x = ddpm_step(x, t, eps, schedule, noise)
        means.append(x.mean().item())
        if not x.isfinite().all():
            raise RuntimeError("x is not finite")
    return x
