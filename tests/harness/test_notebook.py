"""The notebook: it runs from top to bottom with the reference, and stops with plain words where a task is not done."""

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from grading.submission.implementation import ROOT
from grading.submission.katas import MODULE_OF
from grading.suites.runner import unit_suites

nbclient = pytest.importorskip("nbclient", reason="needs nbclient, from the extra `dev`")
nbformat = pytest.importorskip("nbformat")

NOTEBOOK = ROOT / "exercises" / "ddpm_ddim.ipynb"


@pytest.fixture
def notebook():
    return nbformat.read(NOTEBOOK, 4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def run(notebook):
    folder = {"metadata": {"path": str(NOTEBOOK.parent)}}
    nbclient.NotebookClient(notebook, timeout=240, kernel_name="python3", resources=folder).execute()


def printed(cell):
    return "".join(output.get("text", "") for output in cell.outputs)


def test_it_is_stored_without_outputs_and_without_answers(notebook):
    nbformat.validate(notebook)
    assert all(not cell.outputs and cell.execution_count is None for cell in code(notebook))
    assert not re.search(rf"def ({'|'.join(MODULE_OF)})\b", "\n".join(cell.source for cell in notebook.cells))


def test_it_asks_for_every_kata_in_order(notebook):
    asked = [cell.source for cell in code(notebook) if cell.source.startswith("check(")]
    assert asked == [*(f"check({n})" for n in range(1, len(unit_suites()) + 1)), "check()"]
    text = "\n".join(cell.source for cell in notebook.cells)
    assert all(f"`{module}.py`" in text for module in MODULE_OF.values())


@pytest.fixture
def nothing_installed(monkeypatch):
    """As on Colab: git runs, pip is caught; the commands that were run."""
    commands, run = [], subprocess.run

    def caught(command, check):
        commands.append(command)
        return run(command, check=check) if command[0] == "git" else None

    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("subprocess.run", caught)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return commands


def test_in_a_fresh_checkout_it_installs_and_fetches_nothing(notebook, nothing_installed, monkeypatch, tmp_path):
    root = tmp_path / "diffusion-kata"
    (root / "exercises").mkdir(parents=True)
    (root / "exercises" / "katas.toml").touch()
    monkeypatch.chdir(root / "exercises")
    exec(code(notebook)[0].source, {})
    [command] = nothing_installed
    assert command[0] == sys.executable
    assert command[-2:] == ["--editable", str(root)]
    assert sys.path[0] == str(root)


def test_elsewhere_it_asks_for_the_students_own_repository_and_leaves_solutions_there(
    notebook, nothing_installed, monkeypatch, tmp_path
):
    theirs = tmp_path / "theirs"
    for name in ("exercises/katas.toml", "solutions/loss.py", "README.md"):
        (theirs / name).parent.mkdir(parents=True, exist_ok=True)
        (theirs / name).write_text("x")
    for what in (["init", "-q"], ["add", "-A"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "all"]):
        subprocess.run(["git", "-C", str(theirs), *what], check=True)
    monkeypatch.chdir(tmp_path)
    exec(code(notebook)[0].source, {"input": lambda asked: str(theirs)})
    root = tmp_path / "diffusion-kata"
    assert {path.name for path in root.iterdir()} == {".git", "exercises", "README.md"}
    assert (root / "exercises" / "katas.toml").exists()
    assert nothing_installed[-1][-2:] == ["--editable", str(root)]


def test_no_address_of_a_repository_with_solutions_stands_in_it(notebook):
    assert "github.com/diffusion-kata" not in "\n".join(cell.source for cell in notebook.cells)


@pytest.mark.timeout(300)
def test_it_runs_from_top_to_bottom(notebook, monkeypatch):
    monkeypatch.setenv("KATA_IMPL", "solutions")
    monkeypatch.setenv("KATA_QUICK", "1")
    run(notebook)
    for cell in code(notebook):
        if cell.source.startswith("check("):
            assert "+ " in printed(cell)
            assert "x " not in printed(cell)
        if cell.source.startswith(("show(", "compare(")):
            assert "image/png" in cell.outputs[-1].data
        if cell.source.startswith("compare("):
            assert sum("image/png" in output.get("data", {}) for output in cell.outputs) == 3
        if cell.source == "grade()":
            assert "Grade" in printed(cell)
        if cell.source.startswith("play("):
            assert "type=&quot;range&quot;" in cell.outputs[-1].data["text/html"]


@pytest.mark.timeout(120)
def test_a_stub_stops_it_at_the_first_task_without_a_traceback(notebook, monkeypatch):
    monkeypatch.setenv("KATA_IMPL", "exercises")
    with pytest.raises(nbclient.exceptions.CellExecutionError):
        run(notebook)
    stopped = next(cell for cell in code(notebook) if any(o.output_type == "error" for o in cell.outputs))
    assert stopped.source == "check(1)"
    shown = "\n".join(next(o for o in stopped.outputs if o.output_type == "error").traceback)
    assert shown.startswith("1.1 linear_beta_schedule: not written yet")
    assert "Edit the file, save it, and run this cell again." in shown
    assert 'hint("1.1")' in shown
    assert "kata hint" not in shown
    assert "pytest" not in shown
    assert "Traceback" not in shown
    assert "grading/notebook.py" not in shown
    later = code(notebook)[code(notebook).index(stopped) + 1 :]
    assert all(cell.execution_count is None for cell in later)


def test_hints_and_reasons_have_the_notebooks_words(tmp_path, monkeypatch, capsys):
    from grading import notebook
    from grading.cli import hints

    monkeypatch.setattr(hints, "GIVEN", tmp_path / "hints.json")
    monkeypatch.setenv("KATA_IMPL", "exercises")
    notebook.hint("5.3")
    monkeypatch.setenv("KATA_IMPL", "solutions")
    notebook.hint("5.3")
    first, done = capsys.readouterr().out.split("5.3 ddim_sample: done")
    assert 'One more: hint("5.3")' in first
    assert "show(5)" in done
    assert "compare()" in done
    assert "kata " not in first + done


def test_what_is_handed_in_leaves_colab_through_the_browser(tmp_path, monkeypatch):
    from grading import notebook

    saved = []
    monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace(files=SimpleNamespace(download=saved.append)))
    monkeypatch.setattr(notebook, "ROOT", tmp_path)
    monkeypatch.setattr(notebook, "_kata", lambda command, out, path: Path(path).write_text(command))
    notebook.hand_in()
    assert saved == [str(tmp_path / "handin.zip")]


def test_edits_count_at_once(tmp_path, monkeypatch):
    from grading import notebook

    for name in ("beta_schedule", "q_sample"):
        Path(tmp_path / f"{name}.py").write_text((ROOT / "exercises" / f"{name}.py").read_text())
    monkeypatch.setenv("KATA_IMPL", str(tmp_path))
    with pytest.raises(notebook.NotYet, match=r"it needs 2\.1 q_sample, which is not written yet"):
        notebook.show("forward")
    (tmp_path / "q_sample.py").write_text((ROOT / "solutions" / "q_sample.py").read_text())
    assert notebook.show("forward").data.startswith(b"\x89PNG")
