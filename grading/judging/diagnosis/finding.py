"""What a diagnosis has found: one phrase to count by, and the lines that a student reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

Line = tuple[str, str]


@dataclass(frozen=True)
class Finding:
    """What is wrong with a function, as far as it was measured.

    Attributes:
        says: one phrase, the same for everybody who makes the same mistake.
        lines: label and text for the failure's table.
        choice: the name of a legal variant that this kata does not ask for: `sigma^2 = beta`.
        named: whether it says what stands in the place of what is due, and not only where.
        formula: the lines that give what was measured, where they were found.
    """

    says: str
    lines: tuple[Line, ...] = ()
    choice: str = ""
    named: bool = True
    formula: dict[str, str] | None = None

    def also(self, *texts: str, label: str = "and") -> Finding:
        """The same with more to be said of it."""
        return replace(self, lines=(*self.lines, *((label, text) for text in texts)))


def stated(says: str, *more: Line, named: bool = True, choice: str = "") -> Finding:
    """A finding that is one sentence."""
    return Finding(says, (("measured", says), *more), choice, named)


def all_of(remarks: Iterable[str], most: int = 4) -> Finding | None:
    """Several sentences as one finding; None where there are none."""
    kept = list(dict.fromkeys(remarks))[:most]
    return Finding("; ".join(kept[:2]), tuple(("measured", remark) for remark in kept)) if kept else None


def for_some(name: str, shapes: Sequence[tuple[int, ...]], is_right: Callable[[tuple[int, ...]], bool]) -> str:
    """For which shapes of an argument a function is right; empty where it is for all, or for none."""
    right = [shape for shape in shapes if is_right(shape)]
    if right and all(samples == 1 for samples, *_ in right):
        return "right for one sample alone, and for no batch"
    yes, no = (", ".join(str(s) for s in shapes if (s in right) == wanted) for wanted in (True, False))
    return f"right for {name} of shape {yes}, and not for {no}" if yes and no else ""


def table(label: str, where: str, rows: Iterable[tuple[str, complex, complex, str]]) -> list[Line]:
    """Name, yours, due and a remark of each row, below one head: `x_t   0.0707   0.0521   wrong`."""
    lines = [(name, row(yours, due, remark)) for name, yours, due, remark in rows]
    return [(label, f"yours      due        at {where}"), *lines]


def row(yours: complex, due: complex, remark: str) -> str:
    """`0.0707     0.0521     wrong`, with as many digits as it takes to see that."""
    digits = next((d for d in range(4, 8) if remark == "right" or _number(yours, d) != _number(due, d)), 8)
    return f"{_number(yours, digits):<10} {_number(due, digits):<10} {remark}".rstrip()


def _number(value: complex, digits: int) -> str:
    if abs(value.imag) > 1e-12:
        return f"{value.real:.3g}{value.imag:+.3g}i"
    return "0" if abs(value) < 1e-12 else f"{value.real:.{digits}g}"
