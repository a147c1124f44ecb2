"""What a sampler does, judged with the submission's own step: where it starts, which way it goes, where it ends."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from grading.judging.closed_form import broadcast, ddim_timesteps
from grading.judging.compare import kind, shorten
from grading.judging.diagnosis.finding import Finding, all_of
from grading.judging.diagnosis.loop_steps import LARGE, SMALL, Step, noise_remarks, retraced
from grading.judging.diagnosis.measure import name_of, numbers, other_times
from grading.judging.examples import COARSE
from grading.judging.observations import carefully
from grading.judging.sampler_trace import Spy, Walk
from grading.judging.step_rules import due_end, own_timesteps, quietly, rules
from grading.submission.contract import schedule_from

WALKS: dict[str, dict[str, Any]] = {
    "": {},
    "with 4 samples of 2 dims: ": {"shape": (4, 2)},
    "at eta = 0: ": {"eta": 0.0},
    "at eta = 1: ": {"eta": 1.0},
    "in 3 steps of 10: ": {"count": 3},
    "with 4 samples of shape (3, 2, 2): ": {"shape": (4, 3, 2, 2)},
    "without a generator: ": {"seed": None},
    "with T = 1: ": {"schedule": schedule_from(COARSE.betas[6:7]), "count": 1},
    "in a single step: ": {"count": 1},
    "in all T steps: ": {"count": len(COARSE.betas)},
}


def loop_finding(implementation: Any, function: str) -> Finding | None:
    """Everything that is not as it should be, each in a sentence; of other walks if the first is right."""

    def seen(where: str, is_right: bool) -> Finding | None:
        return all_of(where + remark for remark in _remarks(Seen(implementation, function, is_right, **WALKS[where])))

    for where in WALKS:
        if found := seen(where, False):
            of_any = quietly(partial(seen, where, True))
            if not of_any or not {*found.lines} <= {*of_any.lines}:
                return found
            says = f"so does any loop over your {function.replace('sample', 'step')}: mend that first"
            return replace(found, says=says).also(says, label="but")
    return None


def model(x_t: Tensor, t: Tensor) -> Tensor:
    """A model that depends on all that it is shown, and grows with x_t, if not in proportion."""
    return 0.3 * (x_t + x_t.flip(-1) / 2) * (1 + 0.05 * broadcast(t, x_t).to(x_t))


class Seen:
    """One sampler, watched; in its place, if so said, a right loop over the submission's own steps."""

    def __init__(
        self, implementation: Any, function: str, is_right: bool, schedule: Any = COARSE, count: int = 5,
        shape: tuple[int, ...] = (5000, 4), eta: float = 0.625, seed: int | None = 5,
    ) -> None:  # fmt: skip
        self.rules, self.step = partial(rules, implementation, schedule), function.replace("sample", "step")
        self.loop: Callable = self._right if is_right else carefully(getattr(implementation, function))
        self.schedule, self.count, self.T, self.seed = schedule, count, len(schedule.betas), seed
        self.eta, self.due = None, list(range(self.T))[::-1]
        if function == "ddim_sample":  # the timesteps due are those of the submission's own list, if it can be walked
            self.eta, self.due = eta, own_timesteps(implementation, self.T, count) or ddim_timesteps(self.T, count)
        self.x_T = LARGE * (1 + numbers(*shape).abs())

    def sample(self, x_T: Tensor, answer: Callable = model, of_torch: int = 1, more: int = 0) -> Walk:
        """One walk; every state is made float64. `of_torch` seeds torch's own generator, `more` is added to ours."""
        self.spy = Spy(answer, x_T)
        generator = None if self.seed is None else torch.Generator().manual_seed(self.seed + more)
        settings = () if self.eta is None else (self.count, self.eta)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(of_torch)
            result = self.loop(self.spy, x_T, self.schedule, *settings, generator=generator)
        states = [*(x for x, _ in self.spy.shown), result]
        return Walk(self.spy, [x.to(torch.float64) if isinstance(x, Tensor) else x for x in states])

    def _right(self, model: Callable, x_T: Tensor, _: Any, *more: Any, generator: Any) -> Tensor | None:
        eta = more[-1] if more else None
        draw = partial(torch.randn, x_T.shape, generator=generator, dtype=x_T.dtype)
        return due_end(self.rules(eta)[-1], model, x_T, self.due, [None if eta == 0 else draw() for _ in self.due])


def _remarks(seen: Seen) -> Iterator[str]:
    path = quietly(lambda: seen.sample(seen.x_T))
    if path is None:  # the error itself is shown elsewhere
        yield from _times(seen, [])
    elif wrong := _form(path, seen.x_T):
        yield wrong
    elif (ts := path.timesteps) != (others := seen.sample(seen.x_T, of_torch=2).timesteps):
        yield f"t runs through {shorten(ts)}, and in the same walk once more through {shorten(others)}"
    else:
        one, ratio = (first := path.states[0]).flatten()[0], (path.states[0] / seen.x_T).flatten()[0]
        known = {"x_T": seen.x_T, f"{float(one):.3g} everywhere": one}
        known |= {f"{float(ratio):.6g} * x_T": ratio * seen.x_T} if abs(ratio) > 1e-3 else {}
        if (what := name_of(first, known) or "something else") != "x_T":
            yield f"the model is first shown {what}: x_T is due"
        steps = retraced(seen, path)
        yield from _times(seen, steps)
        if len(ts) != len(seen.due) and len({*ts}) < len(ts):
            return  # what lies between two of its questions is no step
        if all(step and step.guess is None for step in steps):
            few = [seen.sample(seen.x_T / LARGE, answer=lambda x, t, k=k: k * x).states[-1] for k in (0.3, 0.2)]
            if not torch.allclose(few[0], few[1]):
                yield "the model's answer counts while it is small, and not when it is large: is it clipped?"
                return
        yield from _steps(seen, path, steps)
        if what == "x_T":  # what lies between other x is no noise
            yield from noise_remarks(seen, steps)


def _form(path: Walk, x_T: Tensor) -> str:
    """What is wrong with the form of that which is returned, or shown to the model; empty if nothing is."""
    *shown, end = [x.shape if isinstance(x, Tensor) else None for x in path.states]
    if end is None or (end != x_T.shape and shown):
        what = kind(path.states[-1]) if end is None else f"a Tensor {tuple(end)}"
        return f"{what} is returned: x_0 alone is asked for, a Tensor {tuple(x_T.shape)}"
    other = "not shown x_t, a tensor like x_T" if shown else "never asked"
    return "" if {*shown} == {x_T.shape} else f"the model is {other}"


def _times(seen: Seen, steps: list[Step | None]) -> Iterator[str]:
    """What is wrong with the t that the model is given, in form and in number, and with where the steps are made."""
    forms = [form for form in seen.spy.kinds() if form != f"Tensor ({len(seen.x_T)},) int64"]
    if forms:
        yield f"the model is given t as {forms[0]}: it is asked with a Tensor (B,) int64"
    ts = quietly(lambda: [torch.as_tensor(t, dtype=torch.float64).unique().item() for _, t in seen.spy.shown]) or []
    given, taken, due = [int(t) if t.is_integer() else round(t, 6) for t in ts], [s and s.t for s in steps], seen.due
    shown, times = f"t runs through {shorten(given)}", len(given) // len(due)
    if given in ([], due) or (given == due[:1] and taken not in (given, due)):
        return
    if taken == due:  # the model alone is given something else
        name = name_of(torch.tensor(given), other_times(torch.tensor(due), seen.T))
        yield f"the model is given {name and name + ' = '}{shorten(given)} where t = {shorten(due)} belongs"
    elif given[0] >= seen.T:
        yield f"the loop starts at t = {given[0]}: t counts from 0, and the first is {due[0]}"
    else:
        known = {
            f"the model is asked once alone, at t = {due[0]}: it is asked at each t": due[:1],
            f"{shown}, upwards: it goes from the noisiest down to t = {due[-1]}": due[::-1],
            f"the model is asked {times} times at each t: it is asked once": [t for t in due for _ in range(times)],
            f"{shown}, every timestep: num_inference_steps is not used": list(range(seen.T))[::-1],
        }
        yield next((says for says, walk in known.items() if walk == given), f"{shown}: {shorten(due)} is due")


def _steps(seen: Seen, path: Walk, steps: list[Step | None]) -> Iterator[str]:
    """What the steps do that they should not: all of them, some, or the last one."""
    states = torch.stack(path.states)
    again = [str(t) for t, x in zip(path.timesteps, states) if torch.equal(x, states[0])]
    if len(again) > 1 and not torch.allclose(states[-1], states[0]):
        yield f"the model is shown its first x again, at t={', '.join(again[1:])}: it must see the current x_t"
        return
    unknown = None if bool(states.isfinite().all()) and float(states[0].abs().max()) > SMALL else ""  # say nothing
    *inner, last = [step.label if step else unknown for step in steps]
    labels, bound = sorted({label for label in inner if label}), float(states[1].abs().max())
    if None in inner and bound < SMALL and (states[1].abs() == bound).double().mean() > 0.9:
        yield f"x is clipped, at every step, to {bound:.3g}: the data here are not pixels"
        return
    if None in inner:
        yield f"the step at t={path.timesteps[inner.index(None)]} does not lead where your {seen.step} leads from there"
    elif labels:
        yield labels[0] if len(labels) == 1 and inner.count("") <= 1 else f"at some steps: {labels[0]}"
    if last is None:
        yield _end(seen, path)
    elif last and last not in inner:
        yield f"at the end: {last}"


def _end(seen: Seen, path: Walk) -> str:
    """What is returned that no step leads to."""
    own, result, answers = seen.rules(seen.eta)[-1], path.states[-1], path.spy.answers
    due = own.mean(path.states[-2], seen.due[-1], -1, answers[-1])
    once = due_end(own, lambda *_: answers[0], path.states[0], seen.due)
    ratio, bound, place = (result / due).flatten()[0], float(result.abs().max()), f"where your {seen.step} leads"
    known = {
        "the model is asked once, before the loop: it must be asked at every step": due if once is None else once,
        f"x_0 is clipped to {bound:.3g}: the data here are not pixels": due.clamp(-bound, bound),
        "the model's last answer is returned: x_0 is asked for": answers[-1],
        f"x_0 is {float(ratio):.4g} times {place} from the last x_t": ratio * due if abs(ratio) > 1e-3 else answers[-1],
    }
    return name_of(result, known) or f"x_0 is not {place} from the last x_t"
