"""The rooms of grading/: imports run one way, and no room or file outgrows what a reader can hold."""

import ast

import pytest

from grading.submission.katas import ROOT

GRADING = ROOT / "grading"
# Each room may import those before it in this order, and no other.
ORDER = [
    *("machine", "submission", "isolation", "judging", "proving", "suites", "experiment", "grade"),
    *("pictures", "reports", "classroom", "bench", "cli", "notebook"),
]
AT_THE_TOP = {"__init__.py", "__main__.py", "notebook.py"}
MOST_LINES = {"grading": 250, "solutions": 250, "tests": 275}
MOST_FILES = 17


def room_of(path):
    return path.relative_to(GRADING).parts[0].removesuffix(".py")


def imported(path):
    """The modules of grading that a file imports, in its functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "grading":
            inner = (node.module or "").partition(".")[2]
            yield from [inner] if inner else [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[2] for alias in node.names if alias.name.startswith("grading."))


def test_imports_run_one_way():
    against = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sorted(GRADING.rglob("*.py"))
        if path.parent != GRADING or path.name == "notebook.py"
        for module in imported(path)
        if ORDER.index(module.partition(".")[0]) > ORDER.index(room_of(path))
    ]
    assert against == []


def test_grading_never_imports_the_code_that_it_judges():
    for path in GRADING.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            module = node.module if isinstance(node, ast.ImportFrom) and not node.level else ""
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not {(name or "").partition(".")[0] for name in [module, *names]} & {
                "exercises",
                "solutions",
                "tests",
            }


def test_the_top_is_nearly_empty():
    assert {path.name for path in GRADING.glob("*.py")} == AT_THE_TOP


@pytest.mark.parametrize("top", ["grading", "tests", "solutions"])
def test_nothing_outgrows_its_reader(top):
    files = [path for path in (ROOT / top).rglob("*.py") if "variants" not in path.parts]  # a list of right styles
    assert [str(path) for path in files if len(path.read_text(encoding="utf-8").splitlines()) > MOST_LINES[top]] == []
    folders = {path.parent for path in files}
    assert [str(folder) for folder in folders if len(list(folder.glob("*.py"))) > MOST_FILES] == []
