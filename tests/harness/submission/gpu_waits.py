"""What works on a GPU, and makes it wait."""

# module, task, code added to the reference; the line that must be named ends in `# here`
WAITS = {
    "make_schedule: an if that asks for the values": (
        "beta_schedule",
        "1.4",
        """
def make_schedule(betas, plain=make_schedule):
    if betas.min() < 0 or betas.max() > 1:  # here
        raise ValueError("betas must lie in [0, 1]")
    return plain(betas)
""",
    ),
    "q_sample: a table looked up with .item()": (
        "q_sample",
        "2.1",
        """
def q_sample(x0, t, schedule, noise):
    import torch
    a = torch.stack([schedule.alphas_cumprod[s.item()] for s in t]).reshape(-1, *[1] * (x0.ndim - 1))  # here
    return a.sqrt() * x0 + (1 - a).sqrt() * noise
""",
    ),
    "q_sample: t brought to the CPU": (
        "q_sample",
        "2.1",
        """
def q_sample(x0, t, schedule, noise):
    a = schedule.alphas_cumprod[t.cpu()].reshape(-1, *[1] * (x0.ndim - 1))  # here
    return a.sqrt() * x0 + (1 - a).sqrt() * noise
""",
    ),
    "q_sample: a branch for t == 0": (
        "q_sample",
        "2.1",
        """
def q_sample(x0, t, schedule, noise, plain=q_sample):
    if (t == -1).all():  # here
        return x0
    return plain(x0, t, schedule, noise)
""",
    ),
    "ddpm_loss: float() of the loss": (
        "loss",
        "3.1",
        """
def ddpm_loss(model, x0, t, schedule, noise, plain=ddpm_loss):
    loss = plain(model, x0, t, schedule, noise)
    if float(loss) != float(loss):  # here
        raise ValueError("not a number")
    return loss
""",
    ),
    "ddpm_step: math.sqrt of a table's entry": (
        "ddpm_step",
        "4.1",
        """
def ddpm_step(x_t, t, eps, schedule, noise, plain=ddpm_step):
    import math
    scale = math.sqrt(schedule.alphas[t])  # here
    return plain(x_t * scale / scale, t, eps, schedule, noise)
""",
    ),
    "ddim_step: an if on sigma": (
        "ddim_step",
        "5.2",
        """
def ddim_step(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None, plain=ddim_step):
    sigma = eta * (1 - schedule.alphas_cumprod[t]).sqrt()
    if sigma > 0:  # here
        return plain(x_t, t, t_prev, eps, schedule, eta, noise)
    return plain(x_t, t, t_prev, eps, schedule)
""",
    ),
    "ddim_sample: timesteps as a tensor on the GPU": (
        "ddim_step",
        "5.3",
        """
@torch.no_grad()
def ddim_sample(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None):
    if not 1 <= num_inference_steps <= len(schedule.betas):
        raise ValueError("num_inference_steps must be from 1 to T")
    steps = torch.tensor(ddim_timesteps(len(schedule.betas), num_inference_steps), device=x_T.device)
    x = x_T
    for i, t in enumerate(steps):
        noise = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        t_prev = int(steps[i + 1]) if i + 1 < len(steps) else -1  # here
        x = ddim_step(x, int(t), t_prev, model(x, t.expand(len(x))), schedule, eta, noise)
    return x
""",
    ),
    "ddim_sample: stops when the points no longer move": (
        "ddim_step",
        "5.3",
        """
def ddim_sample(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None, plain=ddim_sample):
    x = plain(model, x_T, schedule, num_inference_steps, eta, generator)
    if torch.equal(x, x_T):  # here
        return x_T
    return x
""",
    ),
    "q_sample: each t by itself, with masks": (
        "q_sample",
        "2.1",
        """

def q_sample(x0, t, schedule, noise):
    import torch
    x_t = torch.empty_like(x0)
    for s in t.unique():  # here
        a = schedule.alphas_cumprod[s]
        x_t = torch.where((t == s).reshape(-1, *[1] * (x0.ndim - 1)), a.sqrt() * x0 + (1 - a).sqrt() * noise, x_t)
    return x_t
""",
    ),
    "ddpm_step: a print of the mean": (
        "ddpm_step",
        "4.1",
        """

def ddpm_step(x_t, t, eps, schedule, noise, plain=ddpm_step):
    after = plain(x_t, t, eps, schedule, noise)
    print(f"{after.mean():.3f}")  # here
    return after
""",
    ),
    "ddpm_step: an assert that all is finite": (
        "ddpm_step",
        "4.1",
        """

def ddpm_step(x_t, t, eps, schedule, noise, plain=ddpm_step):
    after = plain(x_t, t, eps, schedule, noise)
    assert torch.isfinite(after).all()  # here
    return after
""",
    ),
    "ddpm_sample: the points written down on the way": (
        "ddpm_step",
        "4.2",
        """

def ddpm_sample(model, x_T, schedule, generator=None, plain=ddpm_sample):
    x = plain(model, x_T, schedule, generator)
    x.tolist()  # here
    return x
""",
    ),
    "q_sample: a mask in place of a factor": (
        "q_sample",
        "2.1",
        """

def q_sample(x0, t, schedule, noise, plain=q_sample):
    x_t = plain(x0, t, schedule, noise)
    x_t[t < 0] = x0[t < 0]  # here
    return x_t
""",
    ),
}
