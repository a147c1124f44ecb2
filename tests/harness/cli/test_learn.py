"""kata hint, reset, diff and doctor."""

import ast
import re
import shutil
import textwrap

import pytest
from typer.testing import CliRunner
from wrong_forms import catalogue

from grading import cli
from grading.submission.errors import UsageError
from grading.submission.implementation import ROOT
from grading.submission.katas import MODULES, task, tasks
from grading.submission.reset import restore
from grading.submission.stubs import pristine, stub, write_stubs
from grading.suites.runner import run_suites, unit_suites

HAS_REFERENCE = (ROOT / "solutions").is_dir()


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A student's folder, filled with the reference; state and old files are kept beside it."""
    from grading.cli import hints, reset

    cli.register()
    shutil.copytree(ROOT / "solutions", tmp_path / "mine", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(hints, "GIVEN", tmp_path / ".kata" / "hints.json")
    monkeypatch.setattr(reset, "KEPT", tmp_path / ".kata" / "kept")
    monkeypatch.setenv("KATA_IMPL", str(tmp_path / "mine"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "mine"


def run(*arguments: str):
    """Run a command; a UsageError, which main() would print, is raised."""
    result = CliRunner().invoke(cli.app, arguments, catch_exceptions=False)
    return result.exit_code, result.output


# -- hint -------------------------------------------------------------------------------------------------------------


def test_each_time_one_more_hint(mine):
    write_stubs(mine)
    shown = [run("hint", "4.1")[1] for _ in range(4)]
    assert [f"hint {n} of 3" in out for n, out in zip((1, 2, 3, 3), shown)] == [True] * 4
    assert "One more: kata hint 4.1" in shown[1]
    assert "That was the last" in shown[2]
    assert shown[3] == shown[2]
    assert "hint 1 of 3" in run("hint", "4.2")[1]


def test_all_hints_at_once_and_none_is_counted(mine):
    write_stubs(mine)
    assert "hint 3 of 3" in run("hint", "5.2", "--all")[1]
    assert "hint 1 of 3" in run("hint", "5.2")[1]


@pytest.mark.parametrize("text", ["", "[]", '{"4.1": "many"}', '{"4.1": -7}'])
def test_a_damaged_count_starts_over(mine, text):
    write_stubs(mine)
    (mine.parent / ".kata").mkdir()
    (mine.parent / ".kata" / "hints.json").write_text(text)
    assert "hint 1 of 3" in run("hint", "4.1")[1]


def test_without_a_task_the_hint_is_for_the_next_one(mine):
    (mine / "ddpm_step.py").write_text(pristine("ddpm_step"), encoding="utf-8")
    assert run("hint")[1].startswith("4.1 ddpm_step")
    shutil.copy(ROOT / "solutions" / "ddpm_step.py", mine)
    assert "nothing is left to hint at" in run("hint")[1]


def test_of_a_task_that_is_done_the_hint_says_why_it_is_so(mine):
    code, out = run("hint", "5.1")
    assert code == 0
    assert out.startswith("5.1 ddim_timesteps: done\n")
    assert re.findall(r"(?m)^  (\w+(?: \w+)?) ", out) == ["in short", "why", "also right", "caught", "think"]
    assert max(map(len, out.splitlines())) <= 80
    said = " ".join(out.split())
    assert all(part in said for part in task("5.1").after)
    assert ": done" not in run("hint", "5.1", "--all")[1]


def test_wrong_code_gets_the_next_hint_not_the_reasons(mine):
    path = mine / "ddim_step.py"
    path.write_text(path.read_text().replace("reversed(range", "list(range"))
    assert "hint 1 of 3" in run("hint", "5.1")[1]


@pytest.mark.parametrize("one", tasks(), ids=lambda one: one.id)
def test_every_task_has_three_hints_and_something_to_read_afterwards(one):
    question, _, code = one.hints
    assert "?" in question
    assert max(map(len, code.strip().splitlines())) <= 75
    point, _, _, caught, think = one.after
    assert len(f"  why   kata hint {one.id}: {point}") <= 80
    assert "?" in think
    known = {form.says for form in catalogue(one.function)}
    assert known.issuperset(caught.removesuffix(".").split("; "))


def test_the_third_hints_run_as_they_stand(tmp_path):
    write_stubs(tmp_path)
    for one in tasks():
        path = tmp_path / f"{one.module}.py"
        unwritten = f'    raise NotImplementedError("{one.id} {one.function}")\n'
        assert unwritten in path.read_text()
        path.write_text(path.read_text().replace(unwritten, textwrap.indent(one.hints[2].strip("\n"), "    ") + "\n"))
    failed = [o for o in run_suites(tmp_path, "--all", files=unit_suites()) if o.status == "failed"]
    assert [o.message for o in failed] == []


# -- reset ------------------------------------------------------------------------------------------------------------


def body_of(source: str, function: str) -> str:
    node = next(n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef) and n.name == function)
    return ast.unparse(node)


@pytest.mark.parametrize("one", tasks(), ids=lambda one: one.id)
def test_reset_changes_one_function_and_nothing_else(mine, one):
    path, before = mine / f"{one.module}.py", (mine / f"{one.module}.py").read_text()
    code, out = run("reset", one.id)
    after = path.read_text()
    assert code == 0
    assert body_of(after, one.function) == body_of(pristine(one.module), one.function)
    for other in ast.parse(before).body:
        if getattr(other, "name", "") != one.function:
            assert ast.get_source_segment(before, other) in after
    kept = next((mine.parent / ".kata" / "kept").iterdir())
    assert kept.read_text() == before
    assert f".kata/kept/{kept.name}" in out


def test_reset_starts_the_hints_over(mine):
    """Also where the stub is there still."""
    write_stubs(mine)
    path = mine / "q_sample.py"
    path.write_text(path.read_text().replace("raise", "return x0  # raise"))
    for says in ("the stub is back", "is the stub already"):
        assert "hint 1 of 3" in run("hint", "2.1")[1]
        try:
            said = run("reset", "2.1")[1]
        except UsageError as error:
            said = str(error)
        assert says in said
    assert "hint 1 of 3" in run("hint", "2.1")[1]


def test_reset_keeps_line_ends_form_feeds_and_accents(mine):
    path = mine / "ddpm_step.py"
    extra = "\r\n# caf\u00e9\x0c\r\ndef mine():\r\n    return 1"
    path.write_bytes((path.read_text().replace("\n", "\r\n") + extra).encode())
    restore(path, task("4.1"), mine.parent / "kept")
    new = path.read_bytes().decode()
    assert new.endswith(extra)
    assert new.count("\n") == new.count("\r\n")
    assert 'NotImplementedError("4.1 ddpm_step")' in new
    assert 'NotImplementedError("4.2' not in new


def test_reset_of_a_function_that_is_gone_or_defined_twice(mine):
    path = mine / "q_sample.py"
    path.write_text(path.read_text() + "\n\ndef q_sample(*_):\n    return 1\n")
    restore(path, task("2.1"), mine.parent / "kept")
    assert path.read_text().count("def q_sample") == 2
    assert path.read_text().endswith('raise NotImplementedError("2.1 q_sample")\n')
    path.write_text("from torch import Tensor\nq_sample = 3\n")
    restore(path, task("2.1"), mine.parent / "kept")
    assert path.read_text().endswith('raise NotImplementedError("2.1 q_sample")\n')
    assert len(list((mine.parent / "kept").iterdir())) == 2


def test_reset_of_a_file_that_is_not_python_asks_for_the_whole_file(mine):
    path = mine / "loss.py"
    path.write_text("def ddpm_loss(:\n")
    with pytest.raises(UsageError, match=r"mine/loss.py, line 1: .*`kata reset 3.1 --file`"):
        run("reset", "3.1")
    assert path.read_text() == "def ddpm_loss(:\n"
    assert run("reset", "3.1", "--file")[0] == 0
    assert path.read_text() == pristine("loss")


def test_reset_brings_a_missing_file_back_and_says_when_there_is_nothing_to_do(mine):
    (mine / "loss.py").unlink()
    assert run("reset", "3.1")[0] == 0
    with pytest.raises(UsageError, match="is the stub already; nothing was changed"):
        run("reset", "3.1")


@pytest.mark.skipif(not HAS_REFERENCE, reason="solutions/ is not in this copy")
@pytest.mark.parametrize("module", MODULES)
def test_the_stubs_kept_for_reset_are_those_of_the_solutions(module):
    assert pristine(module) == stub((ROOT / "solutions" / f"{module}.py").read_text(encoding="utf-8"))


# -- diff and doctor --------------------------------------------------------------------------------------------------


def test_diff_shows_ours_once_yours_passes(mine):
    code, out = run("diff", "5.1")
    assert code == 0
    assert out.count("def ddim_timesteps") == 2
    assert "ours: solutions/ddim_step.py" in out
    assert "Args:" not in out


def test_diff_keeps_ours_to_itself_until_then(mine):
    write_stubs(mine)
    code, out = run("diff", "5.1")
    assert code == 1
    assert "stride" not in out
    assert "kata hint 5.1" in out


def test_diff_says_when_the_reference_is_not_in_the_copy(mine, monkeypatch):
    from grading.cli import diff

    monkeypatch.setattr(diff, "ROOT", mine.parent)
    with pytest.raises(UsageError, match="is not in this copy"):
        run("diff", "5.1")


def test_the_doctor_looks_at_everything(mine):
    code, out = run("doctor")
    assert code == 0, out
    for what in ("python", "packages", "torch", "device", "sandbox", "threads", "disk", "exercises", "fixed files"):
        assert what in out
    assert max(map(len, out.splitlines())) <= 80


def test_the_doctor_says_what_to_do(mine, monkeypatch):
    from grading.cli import doctor

    monkeypatch.setattr(doctor, "_sandbox", lambda: iter(()))
    monkeypatch.setattr(doctor, "ROOT", mine.parent)
    monkeypatch.setattr(doctor.metadata, "requires", lambda _: ["torch>=99", "not-there-at-all>=1"])
    code, out = run("doctor")
    words = " ".join(out.split())
    assert code == 1
    assert "torch is" in words
    assert "but >=99 is needed" in words
    assert "not-there-at-all is missing" in words
    assert "pip install -c constraints.txt -e ." in words
    assert "kata reset 1.1" in words
    assert "no git history here" in words
