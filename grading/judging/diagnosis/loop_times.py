"""Which t a sampler gives to the model, and which it steps at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from grading.judging.compare import kind, shorten
from grading.judging.diagnosis.loop_steps import Step
from grading.judging.examples import STEPS


def time_remarks(seen: Any, steps: list[Step | None], shown: list[tuple[Any, Any]]) -> Iterator[str]:
    """What is wrong with the t that the model is given, in form and in number, and with where the steps are made."""
    form = f"Tensor ({len(seen.x_T)},) int64"
    forms = [kind(t) for _, t in shown if kind(t) != form]
    if forms:
        yield f"the model is given t as {forms[0]}: it is asked with a Tensor (B,) int64"
    given, due = [_number(t) for _, t in shown], seen.due
    if given == due or not given or None in given:
        return
    taken = [step and step.t for step in steps]
    if taken == due:
        yield _as_given(given, due)
    elif given != due[:1]:
        yield _as_walked(given, due)
    elif taken == given:
        jumps = seen.eta is not None and steps[0] and steps[0].t_prev == -1
        why = "it jumps to x_0 at once" if jumps else "is the return inside the loop?"
        yield f"the walk ends after its first step, at t = {due[0]}: {why}"


def _number(t: Any) -> Any:
    """t as one number, whole where it is; None where it is none."""
    values = t.flatten().tolist() if isinstance(t, Tensor) else [t]
    if not values or len(set(values)) > 1 or not isinstance(values[0], (int, float)):
        return None
    return int(values[0]) if float(values[0]).is_integer() else round(float(values[0]), 6)


def _as_given(given: list, due: list[int]) -> str:
    """The steps are made where they should be: the model alone is given something else."""
    others: dict[str, list[float]] = {
        "t + 1": [t + 1 for t in due],
        "t - 1": [t - 1 for t in due],
        "T - 1 - t": [STEPS - 1 - t for t in due],
    }
    for total, name in ((STEPS, "t / T"), (1000, "t / 1000"), (STEPS - 1, "t / (T - 1)")):
        others[name] = [t / total for t in due]
    for name, other in others.items():
        if all(abs(g - o) < 1e-5 for g, o in zip(given, other)):
            return f"the model is given {name} where t itself belongs: {shorten(given)}"
    if len(set(given)) == 1:
        return f"the model is given t = {given[0]} at every step"
    return f"the model is given t = {shorten(given)} where {shorten(due)} belongs"


def _as_walked(given: list, due: list[int]) -> str:
    """The loop itself goes another way."""
    shown = f"t runs through {shorten(given)}"
    if given == due[::-1]:
        return f"{shown}, upwards: it goes from the noisiest down to t = {due[-1]}"
    if given == due[:-1]:
        return f"the walk stops before the last timestep, t = {due[-1]}"
    if given == due[1:]:
        return f"the walk leaves out its first timestep, t = {due[0]}"
    if given[0] >= STEPS:
        return f"the loop starts at t = {given[0]}: t counts from 0, and the first is {due[0]}"
    if given == list(range(STEPS))[::-1]:
        return f"{shown}, every timestep: num_inference_steps is not used"
    return f"{shown}: {shorten(due)} is due"
