"""What came of a student's tests: which right implementations they refuse, and which wrong ones they catch."""

from __future__ import annotations

from dataclasses import dataclass

from grading.proving.run import Seen

READ = "cannot be read: {}"
NO_TESTS = "has no tests yet: write a function whose name begins with test_"


@dataclass(frozen=True)
class Refusal:
    """A test that does not accept a right implementation, and why that one is right too."""

    test: str
    line: int
    message: str
    name: str
    why: str


@dataclass(frozen=True)
class Catch:
    """A wrong implementation; `slip` names what is wrong with it, and is empty until a test has caught it."""

    slip: str
    test: str
    ask: str


@dataclass(frozen=True)
class Verdict:
    """What is said of the tests of one task.

    Attributes:
        id, function: the task's.
        problem: why nothing could be judged, as the end of a sentence about the file; else empty.
        tests: how many there are.
        faults: what is wrong with single tests, a sentence each.
        rights: how many right implementations there are.
        refusals: the first for each test and implementation.
        wrongs: each wrong implementation, caught or not; only tests that refuse no right one can catch.
        idle: tests that catch none of them, although they could.
    """

    id: str
    function: str
    problem: str = ""
    tests: int = 0
    faults: tuple[str, ...] = ()
    rights: int = 0
    refusals: tuple[Refusal, ...] = ()
    wrongs: tuple[Catch, ...] = ()
    idle: tuple[str, ...] = ()

    @property
    def accepted(self) -> int:
        """How many right implementations every test accepts."""
        return 0 if self.problem else self.rights - len({refusal.name for refusal in self.refusals})

    @property
    def caught(self) -> int:
        return sum(bool(one.test) for one in self.wrongs)

    @property
    def complete(self) -> bool:
        """Every right one accepted, every wrong one caught, and nothing wrong with a test."""
        judged = not self.problem and not self.faults and bool(self.wrongs)
        return judged and not self.refusals and self.caught == len(self.wrongs)


def judge(id: str, function: str, seen: Seen) -> Verdict:
    """Make a verdict of what the tests of a task did."""
    rights, wrongs = len(seen.rights), len(seen.wrongs)
    unread = next((message for message in seen.unread), None)
    if unread:
        return Verdict(id, function, _unread(unread["message"], unread["tried"]), rights=rights)
    if seen.ended:
        running = f"{seen.running} " if seen.running else "as soon as it is read, it "
        return Verdict(id, function, f"cannot be judged: {running}{seen.ended}", rights=rights)
    names = list(dict.fromkeys(outcome["test"] for outcome in seen.outcomes))
    if not names:
        return Verdict(id, function, NO_TESTS, rights=rights)
    faults, refusals, sound = [], [], []
    for test in names:
        mine = [outcome for outcome in seen.outcomes if outcome["test"] == test]
        fault = _fault(test, function, mine, rights)
        refused = [] if fault else [o for o in mine if o["implementation"] < rights and o["status"] != "passed"]
        if fault:
            faults.append(fault)
        elif refused:
            for outcome in refused:
                right = seen.rights[outcome["implementation"]]
                refusals.append(Refusal(test, outcome["line"], outcome["message"], *right))
        else:
            sound.append(test)
    red = {(o["implementation"], o["test"]) for o in seen.outcomes if o["status"] in ("failed", "error")}
    caught = [
        Catch(slip if by else "", by, ask)
        for number, (slip, ask) in enumerate(seen.wrongs, rights)
        for by in [next((test for test in sound if (number, test) in red), "")]
    ]
    idle = tuple(t for t in sound if not any((n, t) in red for n in range(rights, rights + wrongs)))
    return Verdict(id, function, "", len(names), tuple(faults), rights, _distinct(refusals), tuple(caught), idle)


def _unread(message: str, out_of_bounds: bool) -> str:
    if out_of_bounds:
        return f"{message} as soon as it is read; tests of a function need no files and no other programs"
    if message == "Overdue":
        return "never ends: something outside its tests goes on for ever"
    return READ.format(message)


def _fault(test: str, function: str, outcomes: list[dict], rights: int) -> str:
    """What is wrong with a test on its own, whatever it is run on; empty where nothing is."""
    tried = next((outcome["tried"] for outcome in outcomes if outcome["tried"]), "")
    if tried:
        return f"{test} {tried}; a test of a function needs no files and no other programs"
    on_rights = [o for o in outcomes if o["implementation"] is None or o["implementation"] < rights]
    if any(outcome["status"] == "overdue" for outcome in on_rights):
        return f"{test} never ends"
    if all(outcome["status"] == "skipped" for outcome in outcomes):
        return f"{test} is skipped"
    broken = [outcome for outcome in on_rights if outcome["status"] == "error"]
    if broken and len(broken) == len(on_rights):
        return f"{test} breaks, line {broken[0]['line']}: {broken[0]['message']}"
    if any(outcome["implementation"] is None for outcome in outcomes):
        return f"{test} never calls {function}: name it among the test's arguments"
    if not any(outcome["calls"] for outcome in outcomes):
        return f"{test} never calls {function}, so it cannot tell right from wrong"
    return ""


def _distinct(refusals: list[Refusal]) -> tuple[Refusal, ...]:
    """One for each test and implementation: a test with parameters may refuse one of them many times."""
    return tuple({(refusal.test, refusal.name): refusal for refusal in reversed(refusals)}.values())[::-1]
