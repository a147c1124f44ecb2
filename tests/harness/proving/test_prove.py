"""What is said of students' tests: complete sets, weak sets, files that are no tests, and the first file of all."""

import sys

import pytest

from grading.judging.failure import WIDTH
from grading.proving import suite_properties
from grading.proving.prove import prove
from grading.proving.run import file_of, provable
from grading.proving.screen import HEIGHT, lines
from grading.proving.stubs import write_stub
from grading.proving.verdict import Catch, Refusal, Verdict
from grading.submission.implementation import ROOT
from grading.submission.katas import task, tasks

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = ROOT / "tests" / "harness" / "proving"
WEAK = tomllib.loads((HERE / "weak_sets.toml").read_text())["set"]
BAD = {
    "a syntax error": ("def test_a(q_sample:\n    pass\n", "cannot be read: line 1:"),
    "no tests": ("import torch\n", "has no tests yet"),
    "an import that fails": ("import nowhere_to_be_found\n", "No module named 'nowhere_to_be_found'"),
    "another fixture": ("def test_a(q_simple):\n    assert q_simple\n", "there is no fixture 'q_simple'"),
    "no call": ("def test_a(q_sample):\n    assert True\n", "test_a never calls q_sample"),
    "no argument": ("def test_a():\n    assert True\n", "test_a never calls q_sample: name it"),
    "a file written": ("def test_a(q_sample):\n    open('x.txt', 'w')\n", "test_a writes a file, x.txt"),
    "a file written as it is read": ("open('x.txt', 'w')\n", "writes a file, x.txt as soon as it is read"),
    "a program started": ("import os\ndef test_a(q_sample):\n    os.system('true')\n", "test_a starts something else"),
    "no end": ("def test_a(q_sample):\n    while True:\n        pass\n", "test_a never ends"),
    "the process ended": ("import os\ndef test_a(q_sample):\n    os._exit(0)\n", "test_a ends the process"),
    "a name that is not there": ("def test_a(q_sample):\n    assert y\n", "test_a breaks, line 2: NameError"),
    "skipped": ("import pytest\ndef test_a(q_sample):\n    pytest.skip()\n", "test_a is skipped"),
}


def screen(verdict, hints=0, properties=None):
    """The screen as text without line ends; every screen is checked for its size."""
    shown = [text for text, _ in lines(verdict, "exercises/tests/test_2_1.py", hints, properties)]
    assert len(shown) <= HEIGHT
    assert max(map(len, shown)) <= WIDTH
    return " ".join(" ".join(shown).split())


@pytest.fixture
def proved(tmp_path):
    """Judge texts of tests, by the id of their tasks."""

    def judged(texts):
        wanted = [task(id) for id in texts]
        for one in wanted:
            path = file_of(tmp_path, one)
            path.parent.mkdir(exist_ok=True)
            path.write_text(texts[one.id])
        return dict(zip(texts, prove(tmp_path, wanted)))

    return judged


@pytest.mark.timeout(300)
def test_a_complete_set_accepts_every_right_one_and_catches_every_wrong_one(proved):
    texts = {one.id: (HERE / "complete" / file_of(HERE, one).name).read_text() for one in provable()}
    for id, verdict in proved(texts).items():
        properties = suite_properties.missing(task(id), texts[id])
        assert "complete: your tests tell right from wrong" in screen(verdict, 0, properties), id


@pytest.mark.timeout(300)
@pytest.mark.parametrize("turn", range(3))
def test_a_weak_set_is_told_what_it_lacks(proved, turn):
    sets = {id: [one for one in WEAK if one["task"] == id][turn] for id in dict.fromkeys(one["task"] for one in WEAK)}
    assert [*sets] == [one.id for one in provable()]
    verdicts = proved({id: f"import pytest\nimport torch\n\n{one['tests']}" for id, one in sets.items()})
    for id, one in sets.items():
        said = screen(verdicts[id])
        assert [part for part in one["says"] if part not in said] == [], (id, one["name"], said)
        assert [part for part in one.get("not", []) if part in said] == [], (id, one["name"], said)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("turn", range(2))
def test_a_file_that_is_no_test_gets_a_sentence(proved, turn):
    """Each stands in the file of another task, so that all are tried in few processes."""
    cases = dict(zip(provable(), [*BAD.values()][turn::2]))
    verdicts = proved({one.id: text.replace("q_sample", one.function) for one, (text, _) in cases.items()})
    for one, (_, sentence) in cases.items():
        assert sentence.replace("q_sample", one.function) in screen(verdicts[one.id])
        assert not verdicts[one.id].complete


@pytest.mark.timeout(300)
def test_a_file_that_ends_its_process_costs_only_itself(proved):
    verdicts = proved({"1.4": "import os\nos._exit(3)\n", "2.1": BAD["no call"][0]})
    assert "ends the process" in screen(verdicts["1.4"])
    assert "never calls q_sample" in screen(verdicts["2.1"])


@pytest.mark.timeout(300)
def test_the_first_file_is_valid_and_is_never_written_over(tmp_path):
    for one in provable():
        assert write_stub(tmp_path, one)
    for one, verdict in zip(provable(), prove(tmp_path, provable())):
        assert verdict.accepted == verdict.rights, one.id
        assert not verdict.faults
        assert verdict.caught < len(verdict.wrongs)
        hints = {screen(verdict, hints) for hints in range(1, 4)}
        assert all(" hint " in said for said in hints), one.id
    file_of(tmp_path, provable()[0]).write_text("mine")
    assert not write_stub(tmp_path, provable()[0])
    assert file_of(tmp_path, provable()[0]).read_text() == "mine"


def test_a_crowded_verdict_fits_on_one_screen():
    name = "test_" + "with_a_long_name_" * 5
    refusals = tuple(Refusal(f"{name}{i}", 10, "assert " + "x" * 200, f"right {i % 6}", "why " * 40) for i in range(9))
    wrongs = tuple(Catch("a slip that takes many words " * 4, name, "What? " * 30) for _ in range(4))
    faults = tuple(f"{name} never ends {i}" for i in range(9))
    crowded = Verdict(
        "2.1", "q_sample", "", 30, faults, 6, refusals, (*wrongs, Catch("", "", "What? " * 30)), (name,) * 9
    )
    assert screen(crowded, 1).startswith("2.1 q_sample: 30 tests")


def test_a_slip_is_named_only_where_it_is_caught(proved):
    text = next(one["tests"] for one in WEAK if one["task"] == "2.1" and one["name"] == "one sample, one step")
    verdict = proved({"2.1": f"import pytest\nimport torch\n{text}"})["2.1"]
    assert [bool(one.slip) for one in verdict.wrongs] == [bool(one.test) for one in verdict.wrongs]
    assert {bool(one.slip) for one in verdict.wrongs} == {True, False}


@pytest.mark.parametrize("id", [one.id for one in tasks()])
def test_a_suite_says_what_it_asks_of_each_task(id):
    assert len(suite_properties.sentences(task(id))) >= 3
