"""GPU bugs on a machine without a GPU: each is caught on torch's meta device, by its own kata, with the line."""

import shutil

import pytest
import summary

from grading.isolation import IsolatedImplementation
from grading.submission.implementation import ROOT
from grading.suites.runner import run_suites

# module, task, code added to the reference; the line that must be named ends in `# here`
BUGS = {
    "make_schedule: alpha_bar worked out by numpy": (
        "beta_schedule",
        "1.4",
        """
def make_schedule(betas):
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
    alphas = torch.ones(len(betas), dtype=betas.dtype)  # here
    alphas -= betas
    return NoiseSchedule(betas, alphas, alphas.cumprod(0))
""",
    ),
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
    "q_sample: the result summed up on the CPU": (
        "q_sample",
        "2.1",
        """
def q_sample(x0, t, schedule, noise, plain=q_sample):
    import torch
    x_t = torch.zeros(x0.shape, dtype=x0.dtype)  # here
    x_t += plain(x0, t, schedule, noise)
    return x_t
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
    "ddpm_loss: a sum that starts on the CPU": (
        "loss",
        "3.1",
        """
def ddpm_loss(model, x0, t, schedule, noise):
    import torch
    total = torch.zeros((), dtype=x0.dtype)  # here
    total += ((model(q_sample(x0, t, schedule, noise), t) - noise) ** 2).mean()
    return total
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
    "ddim_sample: timesteps as a tensor on the GPU": (
        "ddim_step",
        "5.3",
        """
@torch.no_grad()
def ddim_sample(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None):
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
}


def screens(title, folder, make=None):
    module, task, source = BUGS[title]
    shutil.copytree(ROOT / "solutions", folder)
    path = folder / f"{module}.py"
    path.write_text(path.read_text() + source)
    line = next(i for i, text in enumerate(path.read_text().splitlines(), 1) if text.endswith("# here"))
    failed = [
        o for o in run_suites(folder, "--task", task, make=make and (lambda: make(folder))) if o.status == "failed"
    ]
    gpu = [o for o in failed if "gpu" in o.test or "device" in o.test]
    assert gpu
    assert failed == gpu  # on the CPU all is well: nothing else fails
    return f"{folder.name}/{module}.py:{line} ", [o.message for o in gpu]


@pytest.fixture(scope="module")
def caught():
    titles: list[str] = []
    yield titles
    summary.lines.append(f"GPU bugs caught without a GPU, with their line {len(titles)}/{len(BUGS)}")


@pytest.mark.parametrize("title", BUGS)
def test_a_gpu_bug_is_caught_on_the_cpu_and_its_line_named(title, tmp_path, caught):
    where, messages = screens(title, tmp_path / "submission")
    for message in messages:
        assert "would stall or fail on a GPU" in message
        assert where in message
    caught.append(title)


@pytest.mark.parametrize("title", [t for t in BUGS if "moved" in t or "summed up" in t])
def test_and_in_a_process_of_its_own(title, tmp_path):
    where, messages = screens(title, tmp_path / "submission", lambda f: IsolatedImplementation(f, sandbox="none"))
    assert all(where in message for message in messages)
