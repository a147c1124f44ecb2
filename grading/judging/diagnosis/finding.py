"""What a diagnosis has found: one phrase to count by, and the lines that a student reads."""

from __future__ import annotations

from dataclasses import dataclass

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


def row(yours: complex, due: complex, remark: str) -> str:
    """`0.0707     0.0521     wrong`, with as many digits as it takes to see that."""
    digits = 4
    while remark != "right" and digits < 8 and _number(yours, digits) == _number(due, digits):
        digits += 1
    return f"{_number(yours, digits):<10} {_number(due, digits):<10} {remark}".rstrip()


def _number(value: complex, digits: int = 4) -> str:
    if abs(value.imag) > 1e-12:
        return f"{value.real:.3g}{value.imag:+.3g}i"
    return "0" if abs(value) < 1e-12 else f"{value.real:.{digits}g}"
