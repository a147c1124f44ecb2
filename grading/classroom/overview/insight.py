"""What did the class misunderstand? Each student counts once for each mistake, however many tests see it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from grading.classroom.words import in_words
from grading.grade.result import Result, TaskResult
from grading.grade.rubric import slip_of
from grading.reports.sanitize import one_line

if TYPE_CHECKING:
    from grading.classroom.gradebook.rows import Row

EXAMPLES = 2
BINS = 10
UNASKED = {
    "load": "its file is missing, or cannot be read",
    "timeout": "it gives no answer in time",
    "gone": "its process ends while it runs",
}


def insight(rows: list[Row]) -> dict[str, Any]:
    """Counts over the class, as plain data.

    Returns:
        students, statuses, mean and median of points; tasks with how many are done, wrong or to do; slips (a known
        mistake, or for want of a name the first test that fails), ranked by number of students, with two examples
        each; stuck: the first task that is not done, and where; distribution of points in tenths of what can be had.
    """
    students = [row for row in rows if row.is_student]
    graded = [row for row in students if row.result]
    statuses = {row.status: sum(other.status == row.status for other in students) for row in students}
    points = sorted(row.points for row in graded)
    middle = (points[(len(points) - 1) // 2] + points[len(points) // 2]) / 2 if points else None
    return {
        "students": len(students),
        "statuses": statuses,
        "mean": round(sum(points) / len(points), 2) if points else None,
        "median": round(middle, 2) if middle is not None else None,
        "tasks": _tasks(graded),
        "slips": _slips(graded),
        "stuck": _stuck(graded),
        "distribution": _distribution(graded),
    }


def _tasks(graded: list[Row]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for row in graded:
        for id, name, title, status in _parts(row.result):
            counts = found.setdefault(
                id, {"id": id, "name": name, "title": title, "done": 0, "wrong": 0, "todo": 0, "locked": 0}
            )
            counts[status] += 1
    return [counts | {"rate": round(counts["done"] / len(graded), 4)} for counts in found.values()]


def _parts(result: Result | None) -> list[tuple[str, str, str, str]]:
    """Id, name, title and status of each thing that earns points."""
    if result is None:
        return []
    from grading.reports.parts import parts

    return [(part.id, one_line(part.name), one_line(part.title), part.status) for part in parts(result)]


def _slips(graded: list[Row]) -> list[dict[str, Any]]:
    """Mistakes by name, where a name is known; the first failing test where none is."""
    who: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    about: dict[tuple[str, str, str], dict[str, Any]] = {}
    for row in graded:
        assert row.result
        for task in row.result.tasks:
            for key, told in _of_task(task).items():
                who[key].append(row)
                about[key] = told
    ranked = sorted(who, key=lambda key: (-len(who[key]), key))
    return [about[key] | {"students": len(who[key]), "examples": _examples(who[key])} for key in ranked]


def _of_task(task: TaskResult) -> dict[tuple[str, str, str], dict[str, Any]]:
    base = {"task": task.id, "function": task.function}
    named = {}
    for case in task.failures:
        if case.misconception and slip_of(case.misconception)[0] == task.function:  # else it is another task's
            told = {"kind": "named", "name": case.misconception, "says": one_line(in_words(task.function, case))}
            named[task.id, "named", case.misconception] = base | told
    inherited = any(case.misconception for case in task.failures) and not named
    if named or inherited or not task.failures or task.status == "todo":
        return named
    name, says = _where(task)
    says = says if name in UNASKED else f"fails first at: {says}"
    return {(task.id, "test", name): base | {"kind": "test", "name": name, "says": says}}


def _where(task: TaskResult) -> tuple[str, str]:
    """Where a task fails first, in a word and in words: at a test, or at what kept every test from an answer."""
    first = task.failures[0]
    return (first.kind, UNASKED[first.kind]) if first.kind in UNASKED else (first.name, one_line(first.behaviour))


def _stuck(graded: list[Row]) -> list[dict[str, Any]]:
    """The first task that is not done, with the first test that fails there: who sits at the same place."""
    who: dict[tuple[str, str], list[Row]] = defaultdict(list)
    about: dict[tuple[str, str], dict[str, Any]] = {}
    for row in graded:
        assert row.result
        task = next((task for task in row.result.tasks if task.failures), None)
        if task is None:
            continue
        test, behaviour = _where(task) if task.status != "todo" else ("", "not written yet")
        key = (task.id, test)
        who[key].append(row)
        about[key] = {"task": task.id, "function": task.function, "test": test, "behaviour": behaviour}
    ranked = sorted(who, key=lambda key: (-len(who[key]), key))
    return [about[key] | {"students": len(who[key]), "names": [row.name for row in who[key]]} for key in ranked]


def _distribution(graded: list[Row]) -> list[dict[str, Any]]:
    """Students in each tenth of the points; full points have a bin of their own."""
    most = max((row.result.max_points for row in graded if row.result), default=0.0)
    bins = [{"from": round(most * i / BINS, 2), "students": 0} for i in range(BINS + 1)] if most else []
    for row in graded:
        number = BINS if row.points >= most else int(BINS * row.points / most + 1e-9) if most else 0
        if bins:
            bins[number]["students"] += 1
    return bins


def _examples(rows: list[Row]) -> list[dict[str, str]]:
    return [{"name": row.name, "report": row.report} for row in rows[:EXAMPLES]]
