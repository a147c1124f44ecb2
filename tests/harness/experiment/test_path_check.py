"""Points that the model did not lead to are refused, with a sentence; right samplers of every style are accepted.

The attacks are in adversaries/metric.toml. The model is exact, so that only the path can give an attack away.
"""

import sys
import time
from pathlib import Path

import pytest
import summary
import torch
from isolation.grader_memory import peak_memory, shown

from grading.experiment.data import make_dataset
from grading.experiment.path.ddpm_path import copy_of
from grading.experiment.path.path_check import check_path
from grading.experiment.path.recorder import MOST_KEPT, Recorder
from grading.isolation import IsolatedImplementation, Limits
from grading.judging import closed_form
from grading.submission.contract import linear_schedule, schedule_from
from grading.submission.implementation import ROOT, Implementation

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ATTACKS = tomllib.loads((Path(__file__).parents[1] / "adversaries" / "metric.toml").read_text(encoding="utf-8"))
SCHEDULE = schedule_from(torch.linspace(1e-3, 0.2, 100, dtype=torch.float64)).to(torch.float32)  # 1,000 steps' ends
STEPS = {"ddpm_sample": list(range(100))[::-1], "ddim_sample": list(range(0, 100, 10))[::-1]}
DATA = make_dataset("swiss_roll", 2048, 5)
MODEL = closed_form.DatasetDenoiser(make_dataset("swiss_roll", 100, 3), SCHEDULE)
HELPERS = '''
import math
import torch
torch.manual_seed(1)
def curve(n):
    a = 1.5 * math.pi * (1 + 2 * torch.rand(n))
    raw = torch.stack([a * a.cos(), a * a.sin()], dim=1)
    return (raw - {mean}) / {std} * 2
_dense = curve(4000)
def nearest(x):
    return _dense[torch.cdist(x, _dense).argmin(dim=1)] - x
def unit(v):
    return v / v.norm(dim=1, keepdim=True).clamp(min=1e-6)
def step(model, x, t, s, z):
    b, a, ab = s.betas[t], s.alphas[t], s.alphas_cumprod[t]
    before = s.alphas_cumprod[t - 1] if t else torch.ones(())
    x = (x - b / (1 - ab).sqrt() * model(x, torch.full((len(x),), t))) / a.sqrt()
    return x + ((1 - before) / (1 - ab) * b).sqrt() * z
def ddpm(model, x, s, noise=lambda x, t, z: z, move=lambda x, t: x):
    for t in range(len(s.betas) - 1, -1, -1):
        x = move(step(model, x, t, s, noise(x, t, torch.randn_like(x))), t)
    return x
def ddim(model, x, s, n, push=0.0):
    ts = [i * (len(s.betas) // n) for i in range(n)][::-1]
    for t, p in zip(ts, ts[1:] + [-1]):
        ab, before = s.alphas_cumprod[t], s.alphas_cumprod[p] if p >= 0 else torch.ones(())
        eps = model(x, torch.full((len(x),), t))
        x = before.sqrt() * (x - (1 - ab).sqrt() * eps) / ab.sqrt() + (1 - before).sqrt() * eps
        x = x + push * unit(nearest(x))
    return x
'''  # fmt: skip
SEEDED = """
_attack = {function}
def {function}(*args, **more):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        return _attack(*args, **more)
"""  # an attack that hardly pulls is seen in most walks; here each walks the same way in every run


def judged(impl, function: str, seed: int = 0, points: int = 512, model=MODEL, schedule=SCHEDULE, drawn=False):
    """Run a sampler with an exact model, and judge its path; `drawn`: knowing what its generator gives."""
    draw = torch.Generator().manual_seed(seed)
    x_T, recorder = torch.randn(points, 2, generator=draw), Recorder(model)
    T, eta = len(schedule.betas), None if function == "ddpm_sample" else 0.0
    steps = [t * T // 100 for t in STEPS[function]] if function == "ddim_sample" else list(range(T))[::-1]
    given = (len(steps), 0.0) if function == "ddim_sample" else ()
    before = copy_of(draw) if drawn else None
    returned = getattr(impl, function)(recorder, x_T.clone(), schedule, *given, generator=draw)
    return check_path(recorder, x_T, returned, schedule, steps, eta, DATA, before)


def submission(folder: Path, attack: dict) -> Path:
    from grading.experiment.data import centre_and_spread

    mean, std = centre_and_spread("swiss_roll")
    helpers = HELPERS.replace("{mean}", str(mean)).replace("{std}", str(std))
    seeded = SEEDED.replace("{function}", attack["of"])
    folder.mkdir()
    module = attack["of"].removesuffix("_sample") + "_step"
    (folder / f"{module}.py").write_text(helpers + attack["source"] + seeded, encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", ATTACKS)
def test_points_that_the_model_did_not_lead_to_are_refused(name, tmp_path):
    attack = ATTACKS[name]
    start = time.monotonic()
    limits = Limits(call=30.0)
    with (
        IsolatedImplementation(submission(tmp_path / "submission", attack), limits=limits) as impl,
        peak_memory() as peak,
    ):
        verdict = judged(impl, attack["of"])
    seconds = time.monotonic() - start
    summary.lines.append(
        f"  metric      {name:<40} {'refused' if not verdict.lawful else 'EARNS':<28} {seconds:5.1f} s {shown(peak)}"
    )
    assert not verdict.lawful
    assert verdict.sentence.startswith("these points are not where the model led: ")
    assert any(part in verdict.sentence for part in attack["says"].split("|")), verdict.sentence


class Styles:
    """Right samplers as students write them: beta_t for the variance, noise at t = 0, the mean by x0, float64."""

    def __init__(self, *, simple=False, last=False, by_x0=False, dtype=torch.float32, parts=None):
        self.simple, self.last, self.by_x0, self.dtype, self.parts = simple, last, by_x0, dtype, parts

    def ddpm_sample(self, model, x, schedule, generator=None):
        """All at once; asking about parts at each step; or the walks of the parts, one after the other."""
        if self.parts in ("a walk for each half", "a walk for each of five"):
            size = -(-len(x) // (2 if "half" in self.parts else 5))
            return torch.cat([self.walk(model, part, schedule, generator) for part in x.split(size)])
        return self.walk(in_parts(model, self.parts) if self.parts else model, x, schedule, generator)

    def walk(self, model, x, schedule, generator=None):
        betas, alphas, alpha_bars = (table.to(self.dtype) for table in schedule)
        for t in range(len(betas) - 1, -1, -1):
            eps = model(x.float(), torch.full((len(x),), t))
            before = alpha_bars[t - 1] if t else torch.ones((), dtype=self.dtype)
            if self.by_x0:
                x0 = (x - (1 - alpha_bars[t]).sqrt() * eps) / alpha_bars[t].sqrt()
                x = before.sqrt() * betas[t] * x0 + alphas[t].sqrt() * (1 - before) * x
                x = x / (1 - alpha_bars[t])
            else:
                x = (x - betas[t] / (1 - alpha_bars[t]).sqrt() * eps) / alphas[t].sqrt()
            variance = betas[t] if self.simple else (1 - before) / (1 - alpha_bars[t]) * betas[t]
            if t > 0 or self.last:
                x = x + variance.sqrt() * torch.randn(x.shape, generator=generator, dtype=self.dtype)
        return x.float()


def in_parts(model, how):
    """The model, asked about part of the samples at a time."""

    def asked(x, t):
        if how == "every second sample":
            order = [*range(0, len(x), 2), *range(1, len(x), 2)]
            back = torch.tensor(order).argsort()
            even = (len(x) + 1) // 2
            parts = [x[order[:even]], x[order[even:]]]
        else:
            back, parts = slice(None), x.split(-(-len(x) // (2 if how == "halves" else 5)))
        if how == "halves, the second first":
            parts, back = parts[::-1], torch.arange(len(x)).roll(len(parts[0]))
        return torch.cat([model(part, t[: len(part)]) for part in parts if len(part)])[back]

    return asked


HONEST = {
    "asking in halves": {"parts": "halves"},
    "asking in five parts": {"parts": "fifths"},
    "asking about every second sample": {"parts": "every second sample"},
    "a walk for each half": {"parts": "a walk for each half"},
    "a walk for each of five, and beta_t": {"parts": "a walk for each of five", "simple": True},
    "halves, in float64, the mean by way of x0": {"parts": "halves", "dtype": torch.float64, "by_x0": True},
    "the reference": None,
    "beta_t": {"simple": True},
    "beta_t, and noise at t = 0": {"simple": True, "last": True},
    "the mean by way of x0": {"by_x0": True},
    "float64 inside": {"simple": True, "dtype": torch.float64},
}


@pytest.fixture(scope="module")
def honest():
    """How many honest walks were refused, of how many; told at the end."""
    walks: list[bool] = []
    yield walks
    summary.lines.append(f"honest walks refused {walks.count(False)}/{len(walks)}")


@pytest.mark.parametrize("drawn", [True, False], ids=["its generator", "other noise"])
@pytest.mark.parametrize("style", HONEST)
def test_a_right_ddpm_sampler_is_accepted_whatever_its_style(style, drawn, honest):
    """Six walks each; the false-alarm rate is below 1e-8 a walk."""
    made = HONEST[style]
    impl = Implementation(ROOT / "solutions") if made is None else Styles(**made)
    gaussian = closed_form.GaussianDenoiser(0.5, 2.0, SCHEDULE)
    for seed in range(6):
        verdict = judged(impl, "ddpm_sample", seed, points=64, model=MODEL if seed % 2 else gaussian, drawn=drawn)
        honest.append(verdict.lawful)
        assert verdict.lawful, verdict.sentence
        usual = made is None or not (made.get("parts", "").startswith("a walk") or made.get("dtype"))
        assert verdict.chosen == (not drawn or not usual)


@pytest.mark.parametrize("how", [None, "halves", "fifths", "every second sample"])
def test_a_right_ddim_sampler_is_accepted(how, honest):
    class Parts(Implementation):
        def __getattr__(self, name):
            right = super().__getattr__(name)
            return lambda model, *args, **more: right(in_parts(model, how) if how else model, *args, **more)

    for seed in range(10):
        verdict = judged(Parts(ROOT / "solutions"), "ddim_sample", seed, points=64)
        honest.append(verdict.lawful)
        assert verdict.lawful, verdict.sentence


@pytest.mark.parametrize("function", STEPS)
@pytest.mark.parametrize("points", [1, 2, 3, 512])
def test_a_thousand_steps_and_any_number_of_points(function, points):
    schedule = linear_schedule(1000, torch.float32)
    model = closed_form.DatasetDenoiser(DATA[:64], schedule)
    verdict = judged(Implementation(ROOT / "solutions"), function, 7, points, model, schedule)
    assert verdict.lawful, verdict.sentence


def test_a_recorder_keeps_no_more_than_it_must():
    """Whoever asks about a million points a hundred times fills our memory, not theirs."""
    recorder = Recorder(lambda x_t, t: x_t)
    x_t = torch.zeros(1).expand(MOST_KEPT // 8)
    for _ in range(4):
        recorder(x_t, 0)
    with pytest.raises(ValueError, match="was asked about more than"):
        recorder(x_t, 0)
