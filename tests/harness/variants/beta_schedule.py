# ruff: noqa
# Right answers in odd styles: each cell is added to a copy of solutions/beta_schedule.py, and must pass kata 1.

# %% linear: arange, scaled by hand
def linear_beta_schedule(num_timesteps, beta_start=1e-4, beta_end=0.02):
    step = (beta_end - beta_start) / max(num_timesteps - 1, 1)
    return beta_start + step * torch.arange(num_timesteps)


# %% linear: lerp between the ends
def linear_beta_schedule(num_timesteps, beta_start=1e-4, beta_end=0.02):
    return torch.lerp(torch.tensor(beta_start), torch.tensor(beta_end), torch.linspace(0, 1, num_timesteps))


# %% linear: made by numpy, cast to the default dtype
import numpy as np


def linear_beta_schedule(num_timesteps, beta_start=1e-4, beta_end=0.02):
    return torch.from_numpy(np.linspace(beta_start, beta_end, num_timesteps)).to(torch.get_default_dtype())


# %% linear: a python list
def linear_beta_schedule(num_timesteps: int, beta_start: float = 1e-4, beta_end: float = 0.02) -> Tensor:
    if num_timesteps == 1:
        return torch.tensor([beta_end])
    betas = []
    for i in range(num_timesteps):
        w = i / (num_timesteps - 1)
        betas.append((1 - w) * beta_start + w * beta_end)
    return torch.tensor(betas)


# %% linear: float64 inside, cast at the end
def linear_beta_schedule(num_timesteps, beta_start=1e-4, beta_end=0.02):
    return torch.linspace(beta_start, beta_end, steps=num_timesteps, dtype=torch.double).type(torch.get_default_dtype())


# %% linear: written into an empty tensor
def linear_beta_schedule(num_timesteps, beta_start=1e-4, beta_end=0.02):
    betas = torch.empty(num_timesteps)
    torch.linspace(beta_start, beta_end, num_timesteps, out=betas)
    return betas


# %% quadratic: math.sqrt and square()
def quadratic_beta_schedule(num_timesteps, beta_start=1e-4, beta_end=0.02):
    return torch.linspace(math.sqrt(beta_start), math.sqrt(beta_end), num_timesteps).square()


# %% quadratic: the linear schedule of the roots
def quadratic_beta_schedule(num_timesteps, beta_start=1e-4, beta_end=0.02):
    roots = linear_beta_schedule(num_timesteps, beta_start=beta_start**0.5, beta_end=beta_end**0.5)
    return roots * roots


# %% quadratic: float_power, which always answers in float64
def quadratic_beta_schedule(num_timesteps, beta_start=1e-4, beta_end=0.02):
    squares = torch.float_power(torch.linspace(beta_start**0.5, beta_end**0.5, num_timesteps), 2)
    return squares.to(torch.get_default_dtype())


# %% quadratic: numpy, then as_tensor with a dtype
import numpy


def quadratic_beta_schedule(num_timesteps, beta_start=1e-4, beta_end=0.02):
    roots = numpy.linspace(numpy.sqrt(beta_start), numpy.sqrt(beta_end), num_timesteps)
    return torch.as_tensor(roots**2, dtype=torch.get_default_dtype())


# %% quadratic: the binomial written out
def quadratic_beta_schedule(num_timesteps, beta_start=1e-4, beta_end=0.02):
    w = torch.arange(num_timesteps) / max(1, num_timesteps - 1)
    low, high = beta_start**0.5, beta_end**0.5
    return low**2 + 2 * low * (high - low) * w + (high - low) ** 2 * w**2


# %% cosine: a python loop with math.cos
def cosine_beta_schedule(num_timesteps, s=0.008, max_beta=0.999):
    def f(u):
        return math.cos((u / num_timesteps + s) / (1 + s) * math.pi * 0.5) ** 2

    return torch.tensor([min(1 - f(t + 1) / f(t), max_beta) for t in range(num_timesteps)])


# %% cosine: alpha_bar first, divided by its first entry
def cosine_beta_schedule(num_timesteps, s=0.008, max_beta=0.999):
    x = torch.linspace(0, num_timesteps, num_timesteps + 1, dtype=torch.float64)
    alphas_cumprod = torch.cos(((x / num_timesteps) + s) / (1 + s) * torch.pi * 0.5) ** 2
    alphas_cumprod = alphas_cumprod / alphas_cumprod[0]
    betas = 1 - (alphas_cumprod[1:] / alphas_cumprod[:-1])
    return torch.clip(betas, 0, max_beta).to(torch.get_default_dtype())


# %% cosine: the half-angle formula, in the default dtype throughout
def cosine_beta_schedule(num_timesteps, s=0.008, max_beta=0.999):
    angle = (torch.arange(num_timesteps + 1) / num_timesteps + s) / (1 + s) * math.pi
    f = (1 + torch.cos(angle)) / 2
    return torch.minimum((f[:-1] - f[1:]) / f[:-1], torch.tensor(max_beta))


# %% cosine: numpy
import numpy as np


def cosine_beta_schedule(num_timesteps, s=0.008, max_beta=0.999):
    u = np.arange(num_timesteps + 1) / num_timesteps
    f = np.cos((u + s) / (1 + s) * np.pi / 2) ** 2
    return torch.tensor(np.minimum(1 - f[1:] / f[:-1], max_beta), dtype=torch.get_default_dtype())


# %% cosine: diff of the logarithms
def cosine_beta_schedule(num_timesteps, s=0.008, max_beta=0.999):
    u = torch.arange(num_timesteps + 1, dtype=torch.float64)
    log_f = 2 * torch.cos((u / num_timesteps + s) / (1 + s) * math.pi / 2).clamp(min=1e-30).log()
    return (-torch.expm1(log_f.diff())).clamp_(max=max_beta).to(torch.get_default_dtype())


# %% make: a dataclass of its own
from dataclasses import dataclass


@dataclass
class MySchedule:
    betas: torch.Tensor
    alphas: torch.Tensor
    alphas_cumprod: torch.Tensor


def make_schedule(betas):
    alphas = torch.ones_like(betas) - betas
    return MySchedule(betas=betas, alphas=alphas, alphas_cumprod=torch.cumprod(alphas, 0))


# %% make: a class with more tables than it needs
class Schedule:
    def __init__(self, betas):
        self.betas = betas
        self.alphas = 1.0 - betas
        self.alphas_cumprod = self.alphas.cumprod(-1)
        self.alphas_cumprod_prev = torch.cat([torch.ones_like(self.alphas_cumprod[:1]), self.alphas_cumprod[:-1]])
        self.sqrt_alphas_cumprod = self.alphas_cumprod.sqrt()

    def __len__(self):
        return len(self.betas)


def make_schedule(betas):
    return Schedule(betas)


# %% make: a module with buffers
class Buffers(torch.nn.Module):
    def __init__(self, betas):
        super().__init__()
        self.register_buffer("betas", betas)
        self.register_buffer("alphas", 1 - betas)
        self.register_buffer("alphas_cumprod", torch.cumprod(1 - betas, dim=0))


def make_schedule(betas):
    return Buffers(betas)


# %% make: properties, worked out when asked
class Lazy:
    def __init__(self, betas):
        self.betas = betas.clone()

    @property
    def alphas(self):
        return 1 - self.betas

    @property
    def alphas_cumprod(self):
        return self.alphas.log().cumsum(0).exp()


def make_schedule(betas):
    return Lazy(betas)


# %% make: the running product in a python loop
from types import SimpleNamespace


def make_schedule(betas):
    alphas = (-betas).add(1)
    left, product = [], 1.0
    for alpha in alphas:
        product = product * alpha
        left.append(product)
    return SimpleNamespace(betas=betas, alphas=alphas, alphas_cumprod=torch.stack(left))


# %% make: float64 inside, cast back
def make_schedule(betas):
    alphas = 1 - betas.double()
    return NoiseSchedule(betas, alphas.to(betas.dtype), alphas.cumprod(0).to(betas))


# %% module: no type hints, functions made by lambda
from math import sqrt

linear_beta_schedule = lambda num_timesteps, beta_start=1e-4, beta_end=0.02: torch.linspace(
    beta_start, beta_end, num_timesteps
)
quadratic_beta_schedule = lambda num_timesteps, beta_start=1e-4, beta_end=0.02: torch.pow(
    torch.linspace(sqrt(beta_start), sqrt(beta_end), num_timesteps), 2
)


# %% cosine: float32 throughout
def cosine_beta_schedule(num_timesteps, s=0.008, max_beta=0.999):
    if num_timesteps < 1:
        raise ValueError("num_timesteps must be at least 1")
    u = torch.arange(num_timesteps + 1, dtype=torch.float32)
    f = torch.cos(((u / num_timesteps) + s) / (1 + s) * torch.pi / 2) ** 2
    f = f / f[0]
    return (1 - f[1:] / f[:-1]).clamp(max=max_beta).to(torch.get_default_dtype())


# %% make: betas outside (0, 1) are refused
def make_schedule(betas):
    if betas.ndim != 1:
        raise ValueError(f"betas must be one-dimensional; got {betas.ndim} dimensions")
    if (betas <= 0).any() or (betas >= 1).any():
        raise ValueError("betas must lie between 0 and 1")
    return NoiseSchedule(betas, 1 - betas, torch.cumprod(1 - betas, 0))


# %% make: the product in float32, cast back
def make_schedule(betas):
    if betas.ndim != 1:
        raise ValueError("betas must be one-dimensional")
    alphas = 1 - betas
    return NoiseSchedule(betas, alphas, alphas.float().cumprod(0).to(betas.dtype))


# %% linear: a float32 line, cast to the default dtype
def linear_beta_schedule(num_timesteps, beta_start=1e-4, beta_end=0.02, plain=linear_beta_schedule):
    plain(num_timesteps, beta_start, beta_end)
    return torch.linspace(beta_start, beta_end, num_timesteps, dtype=torch.float32).to(torch.get_default_dtype())
