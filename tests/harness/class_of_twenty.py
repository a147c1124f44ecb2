"""Twenty submissions, good, unfinished, mistaken, hostile and broken, and the row that each of them must get."""

import dataclasses
import io
import stat
import sys
import zipfile
from pathlib import Path

from grading.classroom.gradebook import Row, Terms, gradebook
from grading.experiment.networks.training import RECIPES
from grading.experiment.stages import Setting
from grading.grade.rubric import Band, Rubric
from grading.submission.contract import MODULES
from grading.submission.implementation import ROOT
from grading.submission.katas import tasks
from grading.submission.stubs import stub

FILES = {f"{module}.py": (ROOT / "solutions" / f"{module}.py").read_text() for module in MODULES}
STUBS = {name: stub(source) for name, source in FILES.items()}
ANY = Rubric({name: (Band(1e12, 10.0),) for name in ("ddpm", "ddim")})  # a few training steps draw anywhere
TINY = dataclasses.asdict(dataclasses.replace(RECIPES["kata"], steps=20, width=32, depth=2))


def terms(**changes) -> Terms:
    """A grade in seconds: few training steps, few points."""
    setting = dataclasses.asdict(Setting(num_points=64, num_inference_steps=20))
    return Terms(**({"setting": setting, "recipe": TINY, "rubric": ANY} | changes))


def put(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir(parents=True)
    for name, source in files.items():
        (folder / name).write_text(source)


def zipped(files, mode: int = stat.S_IFREG | 0o644, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip with the files, in this order, each with a Unix mode."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, source in files.items():
            member = zipfile.ZipInfo(name)
            member.external_attr = mode << 16
            archive.writestr(member, source, method)
    return content.getvalue()


def changed(name: str, right: str, wrong: str) -> dict[str, str]:
    assert right in FILES[name]
    return FILES | {name: FILES[name].replace(right, wrong, 1)}


def appended(name: str, source: str) -> dict[str, str]:
    return FILES | {name: f"{FILES[name]}\n\n{source}\n"}


IN_A_FOLDER = {f"handed in/{name}": source for name, source in FILES.items()}
FORGED = """
import json, os
for place in ("result.json", "answer.json", "../answer.json", "../../answer.json", "/tmp/answer.json"):
    try: open(place, "w").write('{"points": 100}')
    except OSError: pass
def ddim_timesteps(*args): os._exit(0)
"""
FOLDERS = {
    "ada": FILES,
    "bug in q_sample": changed("q_sample.py", "(1 - alpha_bar).sqrt()", "(1 - alpha_bar)"),
    "bug in the last step": changed("ddim_step.py", "if t_prev >= 0", "if t_prev >= 1"),
    "untouched": STUBS,
    "half done": {name: FILES[name] for name in ("beta_schedule.py", "q_sample.py")},
    "empty": {},
    "leaves": appended("ddpm_step.py", "import os; os._exit(0)"),
}
ZIPS = {
    "forger.zip": zipped(appended("ddim_step.py", FORGED)),
    "nested.zip": zipped({"__MACOSX/handed in/._q_sample.py": "x", "notes.txt": "hello", **IN_A_FOLDER}),
    "broken.zip": zipped(FILES)[:-300],
    "text.zip": b"I could not make a zip",
    "bomb.zip": zipped(FILES | {"q_sample.py": b"#" * (64 << 20)}),
    "climber.zip": zipped({f"../../{name}": source for name, source in FILES.items()}),
    "links.zip": zipped({name: f"/etc/{name}" for name in FILES}, stat.S_IFLNK | 0o777),
    "rare.zip": zipped(FILES, method=zipfile.ZIP_LZMA),
    "two places.zip": zipped(IN_A_FOLDER | {f"other/{name}": source for name, source in STUBS.items()}),
    "=HYPERLINK(1).zip": b"",
    "<script>.zip": b"PK",
}


def build(folder: Path) -> None:
    """Write the class, and two files that are no submissions."""
    for name, files in FOLDERS.items():
        put(folder / name, files)
    for name, content in ZIPS.items():
        (folder / name).write_bytes(content)
    put(folder / "deep down" / "My Work" / "exercises", {"loss.py": STUBS["loss.py"]})
    (folder / "a link").symlink_to(folder / "ada")
    (folder / "roster.csv").write_text("ada")
    (folder / ".hidden").mkdir()


ALL = {*(task.id for task in tasks()), "DDPM", "DDIM"}
# name: (what earns nothing, what the row says); a name that is missing from EARNS_NOTHING is refused
EARNS_NOTHING = {
    "ada": (set(), ""),
    "nested": (set(), ""),
    "bug in q_sample": ({"2.1"}, "1 - alpha_bar"),
    "bug in the last step": ({"5.2"}, ""),
    "untouched": (ALL, "nothing is written yet"),
    "half done": (ALL - {"1.1", "1.2", "1.3", "1.4", "2.1"}, "there is no file loss.py"),
    "deep down": (ALL, "there is no file beta_schedule.py"),
    "leaves": ({"4.1", "4.2", "DDPM"}, "ddpm_step"),
    "forger": ({"5.1", "5.3", "DDIM"}, "ddim_timesteps"),
}
REFUSED = {
    "empty": "none of the five files",
    "a link": "symbolic link",
    "broken": "cannot be read",
    "text": "not a zip",
    "bomb": "larger than 256 KiB",
    "climber": "none of the five files",
    "links": "is a link",
    "rare": "plain zip",
    "two places": "more than one folder",
    "=HYPERLINK(1)": "not a zip",
    "<script>": "not a zip",
}


def wrong(row: Row) -> str:
    """What is wrong with a row: nothing, if it is the one that its submission must get."""
    if row.name in REFUSED:
        right = row.status == "refused" and row.points == 0 and row.result is None and REFUSED[row.name] in row.message
        return "" if right else f"{row.name}: {row.status} {row.points} {row.message}"
    nothing, says = EARNS_NOTHING[row.name]
    if row.result is None:
        return f"{row.name}: {row.status} {row.message}"
    parts = {task.id: task for task in row.result.tasks} | {sampler.name: sampler for sampler in row.result.samplers}
    earns = {name: part.points for name, part in parts.items()}
    due = {name: 0.0 if name in nothing else part.max_points for name, part in parts.items()}
    right = row.status == "graded" and earns == due and says in f"{row.columns()['misconception']} {row.message}"
    return "" if right else f"{row.name}: {earns} {row.columns()['misconception']} {row.message}"


def begin(folder: str, out: str) -> None:
    """What the test of a killed run starts in a process of its own."""
    gradebook(Path(folder), Path(out), terms())


if __name__ == "__main__":
    begin(*sys.argv[1:])
