"""Kata 6. Does it draw? First with the best possible denoiser, in closed form; then with a network that you train."""

import pytest
import torch

from grading.experiment.data import make_dataset
from grading.experiment.distances.chamfer import chamfer_distance
from grading.experiment.networks.training import Recipe, TrainingFailed, train
from grading.experiment.stages import SamplesRejected, check_samples, run_experiment
from grading.judging import closed_form
from grading.judging.closed_form import DatasetDenoiser, GaussianDenoiser
from grading.judging.failure import Failure
from grading.submission.contract import linear_schedule, schedule_from

POINTS = 1024
FEW = 8  # what grows with the square of the number of points would fill the memory
# 1,024 points that repeat 1,024 others are 1.3 +- 0.2 from fresh data. It takes a hole at the thin outer end of the
# spiral to come to more: over a length G without a point, m = 26 G fresh points add up to m G^2 / 3, with a chance of
# exp(-0.63 m). For 8 in place of 1.3 that is G = 0.92, a chance of 3e-7. A sampler that is lost comes to hundreds.
NEAR_THE_FLOOR = 8.0
SIGMAS = 6.0  # standard errors; 2e-9 each way for a normal number
# A network that always answers 0 errs by 1. After these 150 steps a right loss comes to 0.401 with a standard deviation
# of 0.006 from seed to seed, one without the square roots of eq. 4 to 0.45 and more.
SHORT = Recipe(
    "kata", width=64, depth=2, steps=150, batch=256, learning_rate=3e-3, one_cycle=True, stratified=True, ema=0.95
)
LEARNT = 0.44
SAMPLERS = {"ddpm_sample": (), "ddim_sample": (50,)}
gpu = pytest.mark.gpu


@pytest.fixture
def judge(implementation, pytestconfig):
    return Judge(implementation, pytestconfig)


class Judge:
    """Runs parts of an implementation on the device under test; what goes wrong becomes a Failure."""

    def __init__(self, implementation, config):
        self.implementation = implementation
        self.device = config.getoption("device")
        self.seed = 1000 * config.getoption("seed")
        impl = config.getoption("impl")
        self.again = f"pytest {f'--impl {impl} ' if impl else ''}tests/test_6_sample_quality.py"

    def generator(self, seed):
        return torch.Generator(self.device).manual_seed(self.seed + seed)

    def randn(self, *shape, seed=0, dtype=torch.float64):
        return torch.randn(*shape, generator=self.generator(seed), dtype=dtype, device=self.device)

    def data(self, count, seed):
        return make_dataset("swiss_roll", count, seed=self.seed + seed).to(self.device)

    def sample(self, name, model, x_T, schedule, *arguments):
        """What a sampler makes of x_T: finite, and of its shape, dtype and device. A few points go first, then all."""
        sampler = getattr(self.implementation, name)
        try:
            for some in (x_T[:FEW], x_T):
                points = sampler(model, some, schedule, *arguments, generator=self.generator(3))
                checked = check_samples(points, some, name)
            return checked
        except SamplesRejected as error:
            raise self.failure(name, str(error).removeprefix(f"{name} ")) from error

    def close(self, name, problem, measured, got, expected, bound, because):
        """Raise Failure unless |got - expected| <= bound; NaN is not close to anything."""
        if not abs(got - expected) <= bound:
            limit = f"{expected:.4g} +- {bound:.2g}" if expected else f"at most {bound:.4g}"
            lines = [("measured", measured), ("got", f"{got:.4g}"), ("expected", limit), ("because", because)]
            raise self.failure(name, problem, *lines)

    def failure(self, name, problem, *lines):
        number = {"ddpm_loss": 3, "ddpm_sample": 4, "ddim_sample": 5}.get(name)
        first = [("do", f"make sure that kata {number} passes: it says what is wrong")] if number else []
        return Failure("6", f"6 {name}: {problem}", "wrong", [*lines, *first, ("again", self.again)])


@pytest.mark.parametrize("name", SAMPLERS)
def test_gaussian_data_come_out_gaussian(judge, name):
    """For data from N(1.5, 0.5^2) the best model is a straight line, so the end of the walk is known: N(mean, var)."""
    count = 1_000_000 if judge.device == "cuda" else 20_000
    schedule = linear_schedule(100, device=judge.device)
    model = GaussianDenoiser(1.5, 0.5, schedule)
    points = judge.sample(name, model, judge.randn(count, 2), schedule, *SAMPLERS[name])
    mean, variance = end_of_the_walk(name, model, schedule)
    because = f"closed form; {SIGMAS:g} standard errors of {points.numel()} numbers"
    bound = SIGMAS * (variance / points.numel()) ** 0.5
    seen = points.mean().item()
    judge.close(name, "the points are off the middle", "the mean of the points", seen, mean, bound, because)
    bound = SIGMAS * variance * (2 / points.numel()) ** 0.5
    seen = (points - mean).square().mean().item()
    judge.close(name, "the points are too far apart, or too near", "their variance", seen, variance, bound, because)


def end_of_the_walk(name, model, schedule):
    """Mean and variance at the end of a walk from N(0, 1): each step maps x to slope x + offset, plus its own noise."""
    T = len(schedule.betas)
    steps = list(range(T))[::-1] if name == "ddpm_sample" else [i * (T // 50) for i in reversed(range(50))]
    mean, variance = 0.0, 1.0
    for t, t_prev in zip(steps, [*steps[1:], -1]):
        x = torch.tensor([[0.0], [1.0]], dtype=torch.float64, device=schedule.betas.device)
        eps = model(x, torch.full((2,), t, device=x.device))
        offset, at_one = closed_form.ddim_step(x, t, t_prev, eps, schedule, eta=float(name == "ddpm_sample"))[:, 0]
        sigma = closed_form.ddim_sigma(t, t_prev, schedule, eta=float(name == "ddpm_sample"))
        slope = at_one - offset
        mean, variance = slope * mean + offset, slope**2 * variance + sigma**2
    return float(mean), float(variance)


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_exact_denoiser_draws_the_swiss_roll(judge, name):
    """No training: the best possible model is known for a finite data set. A right walk ends on the spiral."""
    schedule = linear_schedule(device=judge.device, dtype=torch.float32)
    if name == "ddpm_sample" and judge.device == "cpu":  # 200 steps, five times as large, do what a thousand do
        schedule = schedule_from(torch.linspace(5e-4, 0.1, 200, dtype=torch.float64)).to(dtype=torch.float32)
    model = DatasetDenoiser(judge.data(POINTS, 1), schedule)
    points = judge.sample(name, model, judge.randn(POINTS, 2, dtype=torch.float32), schedule, *SAMPLERS[name])
    distance = chamfer_distance(points, judge.data(POINTS, 2))
    measured, because = f"Chamfer distance of {POINTS} points from fresh data", "two draws of the data are 1.3 apart"
    judge.close(name, "the points miss the Swiss roll", measured, distance, 0, NEAR_THE_FLOOR, because)


def test_a_network_trained_with_the_loss_predicts_noise(judge):
    """A second of training is enough to see that the loss leads to the noise, and to nothing else."""
    schedule = linear_schedule(device=judge.device, dtype=torch.float32)
    try:
        data, seed = judge.data(8192, 4), judge.seed
        trained = train(judge.implementation, data, schedule, SHORT, seed, judge.device)
    except TrainingFailed as error:
        raise judge.failure("ddpm_loss", str(error).removeprefix("ddpm_loss ")) from error
    x0, noise = judge.data(8192, 5), judge.randn(8192, 2, seed=6, dtype=torch.float32)
    t = torch.arange(8192, device=judge.device) % 1000
    guess = trained.network(closed_form.q_sample(x0, t, schedule, noise), t)
    error = (guess - noise).square().mean().item()
    measured = f"mean squared error after {SHORT.steps} steps of training"
    because = "an answer of 0 errs by 1; a right loss leads to 0.40"
    judge.close("ddpm_loss", "the network does not learn to predict the noise", measured, error, 0, LEARNT, because)


@gpu
def test_cpu_and_gpu_agree(judge):
    """The same inputs give the same numbers on either device."""
    schedule = linear_schedule(device="cpu")
    x, eps, noise = (
        torch.randn(512, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) for seed in range(3)
    )
    calls = {
        "q_sample": (x, torch.arange(512), schedule, noise),
        "ddpm_loss": (lambda x_t, t: 0.3 * x_t, x, torch.arange(512), schedule, noise),
        "ddpm_step": (x, 500, eps, schedule, noise),
        "ddim_step": (x, 500, 480, eps, schedule, 0.5, noise),
        "ddim_sample": (lambda x_t, t: 0.3 * x_t, x, schedule, 50),
    }
    for name, arguments in calls.items():
        there = [a.to(device=judge.device) if hasattr(a, "to") else a for a in arguments]
        here, far = (getattr(judge.implementation, name)(*a) for a in (arguments, there))
        gap = (here - far.cpu()).abs().max().item()
        judge.close(name, "CPU and GPU disagree", "the largest gap", gap, 0, 1e-10, "float64 on both")


@gpu
def test_the_whole_experiment_on_the_device(judge):
    """Training, sampling and measuring on the GPU: what `kata grade --device cuda` does."""
    made = run_experiment(judge.implementation, device=judge.device)
    for name, part, bound in (("ddpm_sample", made.ddpm, 5.0), ("ddim_sample", made.ddim, 15.0)):
        if made.training_failure or part.failure or part.unlawful:
            raise judge.failure(name, made.training_failure or part.failure or part.unlawful)
        because = "the course gives full marks below 20 and 40"
        judge.close(name, "the points miss the data", "Chamfer distance", part.chamfer, 0, bound, because)
