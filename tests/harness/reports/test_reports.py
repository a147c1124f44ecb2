"""What other systems read of a grade: each format against its documented form; text of a submission stays text."""

import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import jsonschema
import pytest
from made_results import ATTACK, EVERY, FULL, HOSTILE, HUGE, made
from markdown_it import MarkdownIt
from schemas import CLASSROOM50, GRADESCOPE, RESULT

from grading.grade.result import Result
from grading.reports import github
from grading.reports.classroom50 import classroom50
from grading.reports.gradescope import gradescope, not_graded
from grading.reports.junit import junit
from grading.reports.parts import parts
from grading.reports.sanitize import MOST, UNWANTED, one_line

every = pytest.mark.parametrize("result", EVERY.values(), ids=EVERY)


def strict(text):
    """JSON as the standard has it: no NaN, no Infinity."""

    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


@every
def test_the_result_itself_is_plain_json_and_reads_back_the_same(result):
    text = result.to_json()
    jsonschema.validate(strict(text), RESULT)
    assert Result.from_json(text) == result


def test_a_number_that_is_none_becomes_null():
    text = made("x", chamfer=float("inf")).to_json()
    assert strict(text)["samplers"][0]["chamfer"] is None


@every
def test_gradescope_reads_its_own_form_with_a_score_that_is_the_sum(result):
    read = strict(gradescope(result))
    jsonschema.validate(read, GRADESCOPE)
    assert read["score"] == result.points == sum(test["score"] for test in read["tests"])
    assert sum(test["max_score"] for test in read["tests"]) == result.max_points
    assert {test["output_format"] for test in read["tests"]} <= {"text"}  # declared as text: shown, never interpreted


def test_gradescope_shows_zero_and_why_until_there_is_a_grade():
    read = strict(not_graded("the grade did not come to its end"))
    jsonschema.validate(read, GRADESCOPE)
    assert (read["score"], read["output"]) == (0, "the grade did not come to its end")


@every
def test_junit_is_xml_with_a_case_for_each_test_and_counts_that_agree(result):
    text = junit(result)
    root = ElementTree.fromstring(text.encode())
    suite = root.find("testsuite")
    cases = suite.findall("testcase")
    assert len(cases) == sum(len(task.cases) for task in result.tasks) + len(result.samplers)
    for element in (root, suite):
        assert int(element.get("tests")) == len(cases)
        assert int(element.get("failures")) == len(suite.findall("testcase/failure"))
        assert int(element.get("skipped")) == len(suite.findall("testcase/skipped"))
        assert int(element.get("errors")) == 0
        assert float(element.get("time")) >= 0
    for case in cases:
        assert case.get("classname")
        assert case.get("name")
        assert float(case.get("time")) >= 0
        assert {child.tag for child in case} <= {"failure", "skipped"}
    assert {p.get("name"): p.get("value") for p in suite.iter("property")}["points"] == str(result.points)


def test_junit_keeps_hostile_text_as_text_without_control_characters():
    text = junit(ATTACK)
    assert not UNWANTED.search(text)
    message = ElementTree.fromstring(text.encode()).find("testsuite/testcase/failure").text
    assert "</script><script>alert(1)</script>" in message
    assert "]]> &amp; [red]x[/red] [31m\n::error" in message


@every
def test_classroom_50_reads_its_result(result):
    told = {"CLASSROOM": "ml", "ASSIGNMENT": "kata", "SUBMISSION_TAG": "submit/1", "COMMIT_URL": "https://x/commit/1"}
    read = strict(classroom50(result, told))
    jsonschema.validate(read, CLASSROOM50)
    assert read["max-score"] == sum(test["max-score"] for test in read["tests"]) == result.max_points
    assert read["score"] == sum(test["score"] for test in read["tests"]) == result.points
    assert (read["classroom"], read["review"]) == ("ml", "https://x/commit/1")


def test_classroom_50_passes_only_what_passed():
    for result, passed in ((FULL, True), (made("wrong"), False)):
        tests = strict(classroom50(result, {}))["tests"]
        assert {test["passed"] for test in tests if test["test-name"][0] != "6"} == {passed}


@every
def test_the_step_summary_fits(result):
    assert len(github.summary(result).encode()) < 2**20 / 2


class Seen(HTMLParser):
    """The tags of a page with their attributes, and the text that is not code."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.text, self.open = set(), set(), "", []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes |= set(attributes)
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "code" not in self.open:
            self.text += data


def test_nothing_of_a_submission_has_a_meaning_in_the_step_summary():
    page = MarkdownIt("commonmark", {"html": True}).enable("table").render(github.summary(ATTACK))
    seen = Seen(page)
    assert seen.open == []
    assert seen.tags == {"h2", "h3", "p", "code", "pre", "table", "thead", "tbody", "tr", "th", "td"}
    assert seen.attributes <= {("class", "language-text"), ("style", "text-align:right")}
    assert page.count("<tr>") == 1 + len(parts(ATTACK))
    for piece in ("script", "evil", "everyone", "forged", "heading", "![", "```"):
        assert piece not in seen.text  # mentions and addresses mean nothing in code
        assert piece in page


def test_an_annotation_is_one_line_that_only_its_own_text_fills():
    commands = github.error_commands(ATTACK, "exercises", {"q_sample": 12})
    assert len(commands) == github.MOST_ANNOTATIONS < len(ATTACK.tasks)
    for command in commands:
        assert re.fullmatch(r"::error file=exercises/\w+\.py,line=\d+,title=\d\.\d \w+::[^\r\n\x00-\x1f]*", command)
        assert "100%25 a:b,c" in command
    assert sum("file=exercises/q_sample.py,line=12,title=2.1 q_sample::" in command for command in commands) == 1


def test_a_folder_with_odd_characters_stays_one_property():
    command = github.error_commands(made("wrong"), "a:b,c::d%\ne")[0]
    assert command.startswith("::error file=a%3Ab%2Cc%3A%3Ad%25 e/beta_schedule.py,line=1,title=")


def test_lines_are_found_without_parsing_what_may_be_no_python(tmp_path):
    (tmp_path / "q_sample.py").write_text("import torch\n\n\ndef q_sample(x0, t:\n((((")
    (tmp_path / "loss.py").symlink_to("/etc/passwd")
    assert github.lines_of(tmp_path) == {"q_sample": 4}


def test_the_log_is_between_stop_commands_with_a_word_that_nobody_can_guess(capsys):
    words = set()
    for _ in range(2):
        with github.commands_stopped():
            print(HOSTILE.encode("utf-8", "replace").decode())
        first, *_, last = capsys.readouterr().out.splitlines()
        word = first.removeprefix("::stop-commands::")
        assert last == f"::{word}::"
        words.add(word)
    assert len(words) == 2
    assert all(re.fullmatch("[0-9a-f]{32}", word) for word in words)


def test_long_text_is_cut_in_every_format():
    for part in parts(HUGE):
        assert len(part.message) <= MOST + 100
    assert len(junit(HUGE)) < 2**19
    assert len(gradescope(HUGE)) < 2**19


def test_gradescope_shows_the_picture_and_keeps_text_as_text():
    read = strict(gradescope(made(HOSTILE, sampler_message=HOSTILE), b"png", [HOSTILE]))
    jsonschema.validate(read, GRADESCOPE)
    (shown,) = [test for test in read["tests"] if test["output_format"] == "html"]
    assert shown["number"] == "6.1"
    assert shown["output"].count("<img ") == 1
    assert "<script" not in shown["output"]
    assert read["output"].endswith(one_line(HOSTILE))
