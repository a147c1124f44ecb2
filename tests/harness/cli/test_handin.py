"""kata handin: what is in the zip, and that it is tested without what lies beside it."""

import shutil
import zipfile

import pytest
from typer.testing import CliRunner

from grading import cli
from grading.submission.errors import UsageError
from grading.submission.katas import REQUIRED, ROOT, required


@pytest.fixture
def mine(tmp_path, monkeypatch):
    cli.register()
    shutil.copytree(ROOT / "solutions", tmp_path / "mine", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "mine"


def handin(*arguments: str) -> str:
    result = CliRunner().invoke(cli.app, ["handin", *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


@pytest.mark.timeout(180)
def test_what_works_here_alone_is_seen_before_it_is_handed_in(mine):
    (mine / "utils.py").write_text("three = 3\n", encoding="utf-8")
    path = mine / "loss.py"
    path.write_text("import utils\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    said = handin("--impl", "mine")
    assert f"{len(required()) - 1} of {len(required())} tasks" in said
    assert "mine/loss.py imports utils: only the five files are handed in" in said
    assert "handin.zip" in said
    assert "in a sandbox" in said
    with zipfile.ZipFile("handin.zip") as archive:
        assert sorted(archive.namelist()) == sorted(f"{module}.py" for module in REQUIRED)


def test_a_missing_file_is_one_sentence(mine):
    (mine / "loss.py").unlink()
    with pytest.raises(UsageError, match=r"mine/ lacks loss\.py"):
        handin("--impl", "mine")
