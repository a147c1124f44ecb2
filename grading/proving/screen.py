"""What a student reads of a verdict: one screen of 24 lines of 80 columns, valid first, then what is caught."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from grading.judging.failure import WIDTH
from grading.proving.verdict import Refusal, Verdict

Line = tuple[str, str]  # the text, and its colour or ""
MOST_PROPERTIES = 6
HEIGHT = 23  # lines of a screen of 24, where the prompt takes the last
ROOM = ((3, 2, True), (2, 1, True), (1, 1, False))  # how many faults and refusals, and whether slips are in full


def lines(verdict: Verdict, file: str, hints: int = 0, properties: list[str] | None = None) -> list[Line]:
    """The screen of one task.

    Args:
        verdict: what came of the tests.
        file: the path of the file, as one would type it.
        hints: how many hints to give.
        properties: what the kata's own suite asks besides, shown once everything is caught.
    """
    made: list[Line] = []
    for faults, refusals, whole in ROOM:
        made = [*_lines(verdict, file, hints, properties or [], faults, refusals, whole)]
        if len(made) <= HEIGHT:
            break
    return made[:HEIGHT]


def _lines(
    verdict: Verdict, file: str, hints: int, properties: list[str], faults: int, refusals: int, whole: bool
) -> Iterator[Line]:
    count = f"{verdict.tests} test{'s' * (verdict.tests != 1)}"
    if verdict.problem:
        yield f"{verdict.id} {verdict.function}: your tests", "bold"
        yield from _wrapped(f"{file} {verdict.problem}", "  ", "red")
        return
    yield f"{verdict.id} {verdict.function}: {count} in {file}", "bold"
    for fault in verdict.faults[:faults]:
        yield from _wrapped(fault, "  ", "red")
    yield from _more(len(verdict.faults) - faults, "  and {} more like that")
    yield from _valid(verdict, refusals)
    yield from _caught(verdict, whole)
    yield from _next(verdict, hints, properties)


def _valid(verdict: Verdict, most: int) -> Iterator[Line]:
    all_right = verdict.accepted == verdict.rights
    text = f"  valid: {verdict.accepted} of {verdict.rights} right implementations accepted"
    yield text, "green" if all_right else "red"
    by_test: dict[str, list[Refusal]] = {}
    for refusal in verdict.refusals:
        by_test.setdefault(refusal.test, []).append(refusal)
    for test, refused in list(by_test.items())[:most]:
        first = refused[0]
        others = f", and {len(refused) - 1} more" if len(refused) > 1 else ""
        everyone = len(refused) == verdict.rights
        whom = "every one of them" if everyone else f"{first.name}{others}"
        yield from _wrapped(f"{test} refuses {whom}", "    ", "")
        yield f"      line {first.line:<5}{first.message}"[:WIDTH], ""
        why = "what the test expects, or how it asks, is wrong" if everyone else first.why
        yield from _wrapped(why, f"      {'so' if everyone else 'right too':<10}", "", " " * 16)
    yield from _more(len(by_test) - most, "    and {} more refuse a right one")


def _caught(verdict: Verdict, whole: bool) -> Iterator[Line]:
    only = ", by tests that refuse no right one" if verdict.refusals else ""
    colour = "green" if verdict.caught == len(verdict.wrongs) else "yellow"
    yield f"  caught {verdict.caught} of {len(verdict.wrongs)} wrong ones{only}", colour
    for one in verdict.wrongs:
        if one.test:
            slip = one.slip if whole else textwrap.shorten(one.slip, WIDTH - 6, placeholder=" ...")
            yield from _wrapped(slip, "    + ", "", "      ")
    if verdict.idle and not verdict.complete:
        plural = len(verdict.idle) > 1
        yield from _wrapped(f"{_and(verdict.idle)} pass{'' if plural else 'es'} on every wrong one", "    ", "yellow")


def _next(verdict: Verdict, hints: int, properties: list[str]) -> Iterator[Line]:
    again = f"kata prove {verdict.id}"
    if verdict.complete:
        yield "  complete: your tests tell right from wrong", "green"
        if properties:
            yield "  the kata's own suite also asks:", ""
            for text in properties[:MOST_PROPERTIES]:
                yield textwrap.shorten(f"    {text}", WIDTH, initial_indent="    ", placeholder=" ..."), ""
        return
    asks = list(dict.fromkeys(one.ask for one in verdict.wrongs if not one.test))
    if asks and hints and not verdict.refusals:
        yield from _wrapped(asks[(hints - 1) % len(asks)], "  hint       ", "", "             ")
    more = "" if verdict.refusals or not asks else "   for another hint" if hints else "   for a hint"
    yield f"  again      {again}{more}", "bold"


def row(verdict: Verdict) -> str:
    """A verdict in one line of a table."""
    name = f"{verdict.id} {verdict.function}"
    if verdict.problem:
        return f"{name:<30} {textwrap.shorten(verdict.problem, WIDTH - 36, placeholder=' ...')}"
    valid, caught = f"valid {verdict.accepted} of {verdict.rights}", f"caught {verdict.caught} of {len(verdict.wrongs)}"
    return f"{name:<30} {valid:<14} {caught}"


def _more(count: int, text: str) -> Iterator[Line]:
    if count > 0:
        yield text.format(count), ""


def _and(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:2])}" + f" and {len(names) - 2} more" * (len(names) > 2)


def _wrapped(text: str, indent: str, colour: str, rest: str | None = None) -> Iterator[Line]:
    for line in textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=rest or indent):
        yield line, colour
