"""The notebook: it runs from top to bottom with the reference, and stops with plain words where a task is not done."""

import re
import sys
from pathlib import Path

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


@pytest.mark.parametrize(("start", "cloned"), [("", True), ("diffusion-kata/exercises", False)])
def test_where_nothing_is_installed_it_clones_and_installs(notebook, monkeypatch, tmp_path, start, cloned):
    """As on Colab, or in a fresh checkout: the commands are caught here, not run."""
    commands, root = [], tmp_path / "diffusion-kata"
    if not cloned:
        (root / "exercises").mkdir(parents=True)
        (root / "grading").mkdir()
        (root / "grading" / "katas.py").touch()
    monkeypatch.chdir(tmp_path / start)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("subprocess.run", lambda command, check: commands.append(command))
    monkeypatch.setattr(sys, "path", [*sys.path])
    exec(code(notebook)[0].source, {})
    assert [command[0] for command in commands] == (["git"] if cloned else []) + [sys.executable]
    assert commands[-1][-2:] == ["--editable", str(root)]
    assert sys.path[0] == str(root)


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
    assert "Traceback" not in shown
    assert "grading/notebook.py" not in shown
    later = code(notebook)[code(notebook).index(stopped) + 1 :]
    assert all(cell.execution_count is None for cell in later)


def test_edits_count_at_once(tmp_path, monkeypatch):
    from grading import notebook

    for name in ("beta_schedule", "q_sample"):
        Path(tmp_path / f"{name}.py").write_text((ROOT / "exercises" / f"{name}.py").read_text())
    monkeypatch.setenv("KATA_IMPL", str(tmp_path))
    with pytest.raises(notebook.NotYet, match=r"it needs 2\.1 q_sample, which is not written yet"):
        notebook.show("forward")
    (tmp_path / "q_sample.py").write_text((ROOT / "solutions" / "q_sample.py").read_text())
    assert notebook.show("forward").data.startswith(b"\x89PNG")
