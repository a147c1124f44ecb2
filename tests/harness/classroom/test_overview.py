"""What did the class misunderstand? Counted, ranked, and shown."""

import dataclasses
import json

import jsonschema
from class_of_twenty import put
from made_results import made
from schemas import GRADEBOOK
from test_regrading import TERMS, Grader

from grading.classroom.gradebook import gradebook
from grading.classroom.gradebook.rows import Row
from grading.classroom.overview import insight


def row_with(name: str, slips: dict[str, str | None], kind: str = "wrong") -> Row:
    """A student who fails the given tasks, each by a named slip or (None) by a nameless one."""
    result = made(passing=True)
    tasks = []
    for task in result.tasks:
        if task.id in slips:
            bad = dataclasses.replace(
                task.cases[0], name="bad", status="failed", kind=kind, message="no", misconception=slips[task.id]
            )
            task = dataclasses.replace(task, cases=[task.cases[0], bad, bad], status="wrong", points=0.0)
        tasks.append(task)
    return Row(name, "waiting").regraded(dataclasses.replace(result, tasks=tasks))


def test_mistakes_are_counted_by_student_and_ranked():
    rows = [row_with(f"s{i}", {"4.1": "ddpm_step: noise: beta where its root belongs"}) for i in range(3)]
    rows += [row_with(f"t{i}", {"2.1": None}) for i in range(2)] + [
        row_with("u", {}),
        Row("v", "missing"),
        Row("w", "aside"),
    ]
    found = insight(rows)
    assert (found["students"], found["statuses"]) == (7, {"graded": 6, "missing": 1})
    rates = {task["id"]: (task["done"], task["wrong"]) for task in found["tasks"]}
    assert rates["4.1"] == (3, 3)
    assert rates["2.1"] == (4, 2)
    first, second = found["slips"]
    assert (first["name"], first["students"]) == ("ddpm_step: noise: beta where its root belongs", 3)
    assert [example["name"] for example in first["examples"]] == ["s0", "s1"]
    assert first["says"] == "noise: beta where its root belongs"
    assert (second["kind"], second["task"], second["students"]) == ("test", "2.1", 2)
    assert [(place["task"], place["students"]) for place in found["stuck"]] == [("4.1", 3), ("2.1", 2)]
    assert sum(bin["students"] for bin in found["distribution"]) == 6
    assert found["distribution"][-1]["students"] == 1


def test_what_keeps_every_test_from_an_answer_is_no_test_that_fails():
    rows = [row_with("a", {"3.1": None}, "load"), row_with("b", {"3.1": None}, "load"), row_with("c", {"3.1": None})]
    found = insight(rows)
    first, second = found["slips"]
    assert (first["says"], first["students"]) == ("its file is missing, or cannot be read", 2)
    assert second["says"].startswith("fails first at: ")
    assert [(place["test"], place["students"]) for place in found["stuck"]] == [("load", 2), ("bad", 1)]


def test_a_class_of_nobody_has_a_page(tmp_path):
    put(tmp_path / "class" / "ada", {"notes.txt": "x"})
    (row,) = gradebook(tmp_path / "class", tmp_path / "out", TERMS, Grader())
    assert row.status == "refused"
    assert "ada" in (tmp_path / "out" / "class.html").read_text()
    jsonschema.validate(json.loads((tmp_path / "out" / "gradebook.json").read_text()), GRADEBOOK)
