"""What a comparison shows, in one paragraph: every statement is worked out from the numbers."""

from __future__ import annotations

import statistics

from grading.experiment.sampler_comparison import Comparison, name_of

APART = 3.0  # times the noise of the sliced Wasserstein distance: what differs by less is not told apart
ALIKE = 1.25  # Chamfer distances of one draw each that differ by less are called about the same


def in_words(found: Comparison) -> str:
    """Say what is to be seen; where few steps tell samplers apart, also why."""
    few, many = found.steps[0], found.steps[-1]
    told = [steps for steps in found.steps if _apart(found, steps)]
    said = [_order(found, steps) for steps in (told[:2] if told else [few])]
    if told:
        said.append(_chamfer(found, told[0]))
        said.append(_why(found, told[0]))
    if many not in told[:2] and many > few:
        said.append(_order(found, many))
    if many > few:
        said += [_starts(found, many), _time(found, few, many)]
    return " ".join(part for part in said if part)


def _ends(found: Comparison, steps: int) -> tuple[float, float]:
    """Of least and most fresh noise, the eta whose samples are nearer, by the distance that sees density; the other."""
    near, far = sorted((found.row(eta, steps) for eta in (found.etas[0], found.etas[-1])), key=lambda r: r.wasserstein)
    return near.eta, far.eta


def _apart(found: Comparison, steps: int) -> bool:
    best, worst = (found.row(eta, steps).wasserstein for eta in _ends(found, steps))
    return worst - best > APART * found.wasserstein_floor.noise


def _order(found: Comparison, steps: int) -> str:
    """Who is nearer with this many steps; or, where they are close, that they are."""
    first, last = (found.row(eta, steps) for eta in _ends(found, steps))
    floor = found.wasserstein_floor
    if not _apart(found, steps):
        at_floor = last.wasserstein < floor.mean + APART * floor.noise
        near = f"{'at' if at_floor else 'not at'} the floor, {floor.mean:.2f}"
        span = f"{first.wasserstein:.2f} to {last.wasserstein:.2f}"
        two = f"{name_of(found.etas[0])} and {name_of(found.etas[-1])}"
        return f"With {steps} steps {two} are not told apart, and both are {near} (sliced W2 {span})."
    ratio = times(last.wasserstein / first.wasserstein)
    return (
        f"With {steps} steps {name_of(first.eta)} comes nearer to the data (sliced W2 {first.wasserstein:.2f}) and "
        f"{name_of(last.eta)} stays farther away ({last.wasserstein:.2f}): {ratio} as much."
    )


def _chamfer(found: Comparison, steps: int) -> str:
    """What the Chamfer distance makes of the same samples."""
    first, last = (found.row(eta, steps).chamfer for eta in _ends(found, steps))
    numbers = f"{first:.3g} and {last:.3g}"
    if last > ALIKE * first:
        return f"Chamfer agrees ({numbers})."
    if first > ALIKE * last:
        return f"Chamfer has them the other way round ({numbers}): it does not see where points crowd."
    return f"Chamfer calls the two alike ({numbers}): it does not see where points crowd."


def _why(found: Comparison, steps: int) -> str:
    first, last = _ends(found, steps)
    if (first, last) != (min(found.etas), max(found.etas)):
        return ""
    return (
        "Why: without fresh noise points move along smooth curves, which long strides follow well; with it, a stride "
        "is a draw from one Gaussian around one guess of x_0, and that is right for short strides alone."
    )


def _starts(found: Comparison, many: int) -> str:
    """Whether the same start leads to the same end, whatever the number of steps."""
    few = next((steps for steps in found.steps if steps >= 20), found.steps[0])
    if few == many:
        return ""
    gaps = "; ".join(f"{name_of(eta)} {found.moved(eta, few, many):.2f}" for eta in found.etas)
    any_two = float((found.data - found.data.roll(1, dims=0)).norm(dim=1).median())
    return (
        f"How far apart the same x_T ends with {few} and with {many} steps, in the middle: {gaps}. "
        f"Two points of the data, taken at random: {any_two:.2f}."
    )


def _time(found: Comparison, few: int, many: int) -> str:
    by_steps = {n: statistics.median(row.seconds for row in found.rows if row.steps == n) for n in (few, many)}
    return (
        f"{many} steps took {times(by_steps[many] / by_steps[few])} the time of {few}: "
        f"{by_steps[many]:.2g} s against {by_steps[few]:.2g} s."
    )


def times(ratio: float) -> str:
    """A ratio in words: `1.3 times`, `48 times`."""
    return f"{ratio:.1f} times" if ratio < 10 else f"{ratio:,.0f} times"
