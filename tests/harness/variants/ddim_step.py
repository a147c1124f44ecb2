# ruff: noqa
# Right answers in odd styles: each cell is added to a copy of solutions/ddim_step.py, and must pass kata 5.

# %% timesteps: a range with a stride, reversed
def ddim_timesteps(num_timesteps, num_inference_steps):
    stride = num_timesteps // num_inference_steps
    return list(range(0, stride * num_inference_steps, stride))[::-1]


# %% timesteps: numpy integers
import numpy as np


def ddim_timesteps(num_timesteps, num_inference_steps):
    return list((np.arange(num_inference_steps) * (num_timesteps // num_inference_steps))[::-1])


# %% timesteps: torch, flipped
def ddim_timesteps(num_timesteps, num_inference_steps):
    return (torch.arange(num_inference_steps) * (num_timesteps // num_inference_steps)).flip(0).tolist()


# %% timesteps: counted down
def ddim_timesteps(num_timesteps, num_inference_steps):
    step = int(num_timesteps / num_inference_steps)
    t = step * (num_inference_steps - 1)
    out = [t]
    while t > 0:
        t -= step
        out.append(t)
    return out


# %% timesteps: map, sorted
def ddim_timesteps(num_timesteps, num_inference_steps):
    return sorted(map((num_timesteps // num_inference_steps).__mul__, range(num_inference_steps)), reverse=True)


# %% step: named terms, clamp under the root
def ddim_step(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
    abar = schedule.alphas_cumprod[t]
    abar_prev = (
        torch.tensor(1.0, dtype=abar.dtype, device=abar.device) if t_prev < 0 else schedule.alphas_cumprod[t_prev]
    )
    sigma = eta * torch.sqrt((1 - abar_prev) / (1 - abar)) * torch.sqrt(1 - abar / abar_prev)
    pred_x0 = (x_t - torch.sqrt(1 - abar) * eps) / torch.sqrt(abar)
    dir_xt = torch.sqrt(torch.clamp(1 - abar_prev - sigma**2, min=0.0)) * eps
    noise = torch.zeros_like(x_t) if noise is None else noise
    return torch.sqrt(abar_prev) * pred_x0 + dir_xt + sigma * noise


# %% step: a table with 1 at its end, so that index -1 is the data
def ddim_step(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
    table = torch.cat([schedule.alphas_cumprod, torch.ones_like(schedule.alphas_cumprod[:1])])
    a, p = table[t], table[t_prev]
    variance = eta**2 * (1 - p) / (1 - a) * (1 - a / p)
    mean = p.sqrt() * (x_t - (1 - a).sqrt() * eps) / a.sqrt() + (1 - p - variance).sqrt() * eps
    if eta:
        mean = mean + variance.sqrt() * noise
    return mean


# %% step: x_t scaled, eps by what is missing
def ddim_step(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
    a = schedule.alphas_cumprod[t]
    p = schedule.alphas_cumprod[t_prev] if t_prev > -1 else 1.0
    s = eta * ((1 - p) * (1 - a / p) / (1 - a)) ** 0.5
    x_prev = (p / a) ** 0.5 * x_t + ((1 - p - s**2) ** 0.5 - (p * (1 - a) / a) ** 0.5) * eps
    return x_prev if eta == 0 else x_prev + s * noise


# %% step: noise-to-signal ratios
def ddim_step(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
    ratio = lambda a: ((1 - a) / a).sqrt()
    a = schedule.alphas_cumprod[t]
    p = torch.ones_like(a) if t_prev == -1 else schedule.alphas_cumprod[t_prev]
    if eta == 0.0:
        return p.sqrt() * (x_t / a.sqrt() + (ratio(p) - ratio(a)) * eps)
    up = eta * ratio(p) / ratio(a) * (1 - a / p).sqrt() * (p / a).sqrt()
    down = ((1 - p - up**2).clamp_min(0) / p).sqrt()
    return p.sqrt() * (x_t / a.sqrt() + (down - ratio(a)) * eps) + up * noise


# %% step: the end by itself
def ddim_step(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
    a = schedule.alphas_cumprod[t]
    x0 = x_t.sub((1 - a).sqrt() * eps).div(a.sqrt())
    if t_prev < 0:
        return x0
    p = schedule.alphas_cumprod[t_prev]
    sigma = eta * ((1 - p) / (1 - a) * (1 - a / p)) ** 0.5
    out = p**0.5 * x0 + (1 - p - sigma.square()) ** 0.5 * eps
    return out if noise is None else out + sigma * noise


# %% step: double inside, cast back
def ddim_step(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
    dtype, (x_t, eps) = x_t.dtype, (x_t.double(), eps.double())
    a = schedule.alphas_cumprod.double()[t]
    p = schedule.alphas_cumprod.double()[t_prev] if t_prev >= 0 else x_t.new_ones(())
    sigma = eta * torch.sqrt((1 - p) / (1 - a) * (1 - a / p))
    x = p.sqrt() * (x_t - (1 - a).sqrt() * eps) / a.sqrt() + (1 - p - sigma**2).sqrt() * eps
    if eta > 0:
        x = x + sigma * noise.double()
    return x.to(dtype)


# %% step: t and t_prev as batches, masked
def ddim_step(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
    shape = (-1, *[1] * (x_t.ndim - 1))
    now = torch.full((len(x_t),), t, device=x_t.device)
    then = torch.full((len(x_t),), t_prev, device=x_t.device)
    a = schedule.alphas_cumprod[now]
    p = torch.where(then >= 0, schedule.alphas_cumprod[then.clamp(min=0)], torch.ones_like(a)).reshape(shape)
    a = a.reshape(shape)
    sigma = eta * ((1 - p) / (1 - a) * (1 - a / p)).sqrt()
    z = noise if noise is not None else 0.0
    return p.sqrt() * (x_t - (1 - a).sqrt() * eps) / a.sqrt() + (1 - p - sigma**2).clamp(0).sqrt() * eps + sigma * z


# %% step: interpolated between two deterministic terms, a tiny number under each root
def ddim_step(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
    a = schedule.alphas_cumprod[t]
    p = schedule.alphas_cumprod[t_prev] if t_prev >= 0 else torch.ones_like(a)
    x0 = (x_t - (1 - a + 1e-12).sqrt() * eps) / (a + 1e-12).sqrt()
    var = eta * eta * (1 - p) / (1 - a) * (1 - a / p)
    x = torch.addcmul((1 - p - var + 1e-14).sqrt() * eps, p.sqrt(), x0)
    return x if noise is None or eta == 0 else torch.addcmul(x, var.sqrt(), noise)


# %% sample: while, a no_grad block, noise always drawn
def ddim_sample(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None):
    steps = ddim_timesteps(len(schedule.betas), num_inference_steps) + [-1]
    x, i = x_T.clone(), 0
    with torch.no_grad():
        while i < num_inference_steps:
            noise = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
            eps = model(x, torch.full((x.shape[0],), steps[i], dtype=torch.long, device=x.device))
            x = ddim_step(x, steps[i], steps[i + 1], eps, schedule, eta=eta, noise=noise)
            i += 1
    return x


# %% sample: enumerate, inference_mode, no draw in the last step
@torch.inference_mode()
def ddim_sample(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None):
    timesteps = ddim_timesteps(schedule.alphas_cumprod.shape[0], num_inference_steps)
    x = x_T
    for i, t in enumerate(timesteps):
        last = i == len(timesteps) - 1
        eps = model(x, x.new_full((len(x),), t, dtype=torch.int64))
        noise = None if last or not eta else torch.empty_like(x).normal_(generator=generator)
        x = ddim_step(x, t, -1 if last else timesteps[i + 1], eps, schedule, 0.0 if noise is None else eta, noise)
    return x


# %% sample: ranges with negative strides
@torch.no_grad()
def ddim_sample(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None):
    stride = len(schedule.alphas_cumprod) // num_inference_steps
    x = x_T
    for t in range((num_inference_steps - 1) * stride, -1, -stride):
        z = torch.randn(*x.shape, generator=generator, dtype=x.dtype, device=x.device)
        eps = model(x, torch.tensor(t, device=x.device).expand(x.shape[0]))
        x = ddim_step(x, t, max(t - stride, -1), eps, schedule, eta, z)
    return x


# %% sample: recursion over halves of the list
@torch.no_grad()
def ddim_sample(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None):
    def go(x, jumps):
        if len(jumps) > 1:
            half = len(jumps) // 2
            return go(go(x, jumps[:half]), jumps[half:])
        ((t, t_prev),) = jumps
        eps = model(x, torch.full(x.shape[:1], t, device=x.device))
        noise = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device) if eta else None
        return ddim_step(x, t, t_prev, eps, schedule, eta, noise)

    order = ddim_timesteps(len(schedule.betas), num_inference_steps)
    return go(x_T, list(zip(order, [*order[1:], -1])))


# %% sample: the step written out, randn_like where no generator is given
@torch.no_grad()
def ddim_sample(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None):
    order = ddim_timesteps(len(schedule.betas), num_inference_steps)
    x = x_T
    for t, s in zip(order, order[1:] + [-1]):
        a = schedule.alphas_cumprod[t]
        p = schedule.alphas_cumprod[s] if s >= 0 else torch.ones_like(a)
        eps = model(x, torch.full((x.size(0),), t, device=x.device))
        c1 = eta * ((1 - a / p) * (1 - p) / (1 - a)).sqrt()
        c2 = ((1 - p) - c1**2).sqrt()
        x0 = (x - eps * (1 - a).sqrt()) / a.sqrt()
        z = (
            torch.randn_like(x)
            if generator is None
            else torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        )
        x = p.sqrt() * x0 + c1 * z + c2 * eps
    return x


# %% module: absolute import, functools.partial, positional-only helper
import functools

from beta_schedule import NoiseSchedule


def _jump(stochastic, x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
    a, p = schedule.alphas_cumprod[t], 1.0 if t_prev < 0 else schedule.alphas_cumprod[t_prev]
    sigma = stochastic * eta * ((1 - p) / (1 - a) * (1 - a / p)) ** 0.5
    x = p**0.5 * (x_t - (1 - a) ** 0.5 * eps) / a**0.5 + (1 - p - sigma**2) ** 0.5 * eps
    return x + sigma * noise if eta > 0 else x


ddim_step = functools.partial(_jump, 1.0)


# %% loop: asking about three parts of the samples, one after the other
@torch.no_grad()
def ddim_sample(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None):
    x, steps = x_T.clone(), ddim_timesteps(len(schedule.betas), num_inference_steps)
    for t, t_prev in zip(steps, [*steps[1:], -1]):
        parts = x.chunk(3)
        eps = torch.cat([model(part, torch.full((len(part),), t, device=x.device)) for part in parts])
        noise = torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype) if eta > 0 else None
        x = ddim_step(x, t, t_prev, eps, schedule, eta, noise)
    return x


# %% loop: t of one number, broadcast to all samples
@torch.no_grad()
def ddim_sample(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None):
    x, steps = x_T.clone(), ddim_timesteps(len(schedule.betas), num_inference_steps)
    for t, t_prev in zip(steps, [*steps[1:], -1]):
        eps = model(x, torch.broadcast_to(torch.tensor([t], device=x.device), (len(x),)))
        noise = torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype) if eta > 0 else None
        x = ddim_step(x, t, t_prev, eps, schedule, eta, noise)
    return x


# %% step: alpha_bar kept in float32
def ddim_step(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
    if eta > 0 and noise is None:
        raise ValueError("noise is needed where eta is above 0")
    bars = schedule.alphas_cumprod.float()
    a, p = bars[t], bars[t_prev] if t_prev >= 0 else torch.ones((), device=x_t.device)
    sigma = eta * torch.sqrt((1 - p) / (1 - a)) * torch.sqrt(1 - a / p)
    x0 = (x_t - torch.sqrt(1 - a) * eps) / torch.sqrt(a)
    x = torch.sqrt(p) * x0 + torch.sqrt(torch.clamp(1 - p - sigma**2, min=0)) * eps
    return x if eta == 0 else x + sigma * noise


# %% step: coefficients as Python numbers, which makes a GPU wait
def ddim_step(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None):
    if eta > 0 and noise is None:
        raise ValueError("noise is needed where eta is above 0")
    a = schedule.alphas_cumprod[t].item()
    p = float(schedule.alphas_cumprod[t_prev]) if t_prev >= 0 else 1.0
    sigma = eta * ((1 - p) / (1 - a) * (1 - a / p)) ** 0.5
    x0 = (x_t - (1 - a) ** 0.5 * eps) / a**0.5
    x = p**0.5 * x0 + (1 - p - sigma**2) ** 0.5 * eps
    return x + sigma * noise if sigma > 0 else x


# %% sample: prints and asserts on the way
@torch.no_grad()
def ddim_sample(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None):
    x = x_T
    timesteps = ddim_timesteps(len(schedule.alphas_cumprod), num_inference_steps)
    for t, t_prev in zip(timesteps, [*timesteps[1:], -1]):
        eps = model(x, torch.full((len(x),), t, device=x.device))
        assert torch.isfinite(eps).all(), "the model answered with nan"
        noise = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device) if eta > 0 else None
        x = ddim_step(x, t, t_prev, eps, schedule, eta, noise)
        print(f"t = {t}: {x.mean():.3f} +- {x.std():.3f}")
    return x
