"""What fails on a GPU, and works on a CPU."""

# module, task, code added to the reference; the line that must be named ends in `# here`
FAILS = {
    "make_schedule: alpha_bar worked out by numpy": (
        "beta_schedule",
        "1.4",
        """
def make_schedule(betas):
    if betas.ndim != 1:
        raise ValueError("betas must be one-dimensional")
    import numpy as np
    alphas = 1 - betas
    return NoiseSchedule(betas, alphas, torch.from_numpy(np.cumprod(alphas.numpy())))  # here
""",
    ),
    "make_schedule: tables written into CPU tensors": (
        "beta_schedule",
        "1.4",
        """
def make_schedule(betas):
    if betas.ndim != 1:
        raise ValueError("betas must be one-dimensional")
    alphas = torch.ones(len(betas), dtype=betas.dtype)
    alphas -= betas  # here
    return NoiseSchedule(betas, alphas, alphas.cumprod(0))
""",
    ),
    "q_sample: the result summed up on the CPU": (
        "q_sample",
        "2.1",
        """
def q_sample(x0, t, schedule, noise, plain=q_sample):
    import torch
    x_t = torch.zeros(x0.shape, dtype=x0.dtype)
    x_t += plain(x0, t, schedule, noise)  # here
    return x_t
""",
    ),
    "ddpm_loss: a sum that starts on the CPU": (
        "loss",
        "3.1",
        """
def ddpm_loss(model, x0, t, schedule, noise):
    import torch
    total = torch.zeros((), dtype=x0.dtype)
    total += ((model(q_sample(x0, t, schedule, noise), t) - noise) ** 2).mean()  # here
    return total
""",
    ),
    "ddpm_step: a mask without a device": (
        "ddpm_step",
        "4.1",
        """
def ddpm_step(x_t, t, eps, schedule, noise, plain=ddpm_step):
    mask = torch.full(x_t.shape[:1], float(t > 0)).reshape(-1, *[1] * (x_t.ndim - 1))
    return plain(x_t, t, eps, schedule, mask * noise)  # here
""",
    ),
    "ddpm_sample: noise without a device": (
        "ddpm_step",
        "4.2",
        """
@torch.no_grad()
def ddpm_sample(model, x_T, schedule, generator=None):
    x = x_T
    for t in reversed(range(len(schedule.betas))):
        noise = torch.randn(x.shape, generator=generator, dtype=x.dtype)  # here
        x = ddpm_step(x, t, model(x, torch.full((len(x),), t, device=x.device)), schedule, noise)
    return x
""",
    ),
    "ddpm_sample: noise drawn on the CPU, then moved": (
        "ddpm_step",
        "4.2",
        """
@torch.no_grad()
def ddpm_sample(model, x_T, schedule, generator=None):
    x = x_T
    for t in reversed(range(len(schedule.betas))):
        noise = torch.randn(x.shape, generator=generator).to(x)  # here
        x = ddpm_step(x, t, model(x, torch.full((len(x),), t, device=x.device)), schedule, noise)
    return x
""",
    ),
    "ddpm_sample: t without a device": (
        "ddpm_step",
        "4.2",
        """
@torch.no_grad()
def ddpm_sample(model, x_T, schedule, generator=None):
    x = x_T
    for t in reversed(range(len(schedule.betas))):
        noise = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        x = ddpm_step(x, t, model(x, torch.full((len(x),), t)), schedule, noise)  # here
    return x
""",
    ),
    "ddim_step: numpy's square root": (
        "ddim_step",
        "5.2",
        """
def ddim_step(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None, plain=ddim_step):
    import numpy as np
    np.sqrt(schedule.alphas_cumprod[t])  # here
    return plain(x_t, t, t_prev, eps, schedule, eta, noise)
""",
    ),
    "ddpm_step: x_t as a numpy array": (
        "ddpm_step",
        "4.1",
        """

def ddpm_step(x_t, t, eps, schedule, noise, plain=ddpm_step):
    if x_t.detach().numpy().size == 0:  # here
        return x_t
    return plain(x_t, t, eps, schedule, noise)
""",
    ),
    "ddim_step: one at t_prev = -1, of shape (1,) and on the CPU": (
        "ddim_step",
        "5.2",
        """

def ddim_step(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None, plain=ddim_step):
    one = torch.ones(1, dtype=x_t.dtype)
    return plain(x_t, t, t_prev, eps, schedule, eta, noise) * one  # here
""",
    ),
    "ddim_sample: t without a device": (
        "ddim_step",
        "5.3",
        """

@torch.no_grad()
def ddim_sample(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None):
    if not 1 <= num_inference_steps <= len(schedule.betas):
        raise ValueError("num_inference_steps must be from 1 to T")
    x = x_T
    steps = ddim_timesteps(len(schedule.betas), num_inference_steps)
    for t, t_prev in zip(steps, [*steps[1:], -1]):
        noise = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        x = ddim_step(x, t, t_prev, model(x, torch.tensor([t] * len(x))), schedule, eta, noise)  # here
    return x
""",
    ),
}
