"""A class as it comes out of learning platforms, all in one folder: fourteen students and what each must get."""

import io
import tarfile
from pathlib import Path

from class_of_twenty import FILES, STUBS, put, zipped

RIGHT = set(FILES)
METADATA = """---
submission_901:
  :submitters:
  - :name: Grace Hopper
    :sid: '0107'
    :email: grace@uni.example
  :created_at: 2026-11-21 08:30:00.123456000 Z
  :score: 0.0
  :results: {}
submission_902:
  :submitters:
  - :name: Heidi Lamarr
    :sid: '0108'
    :email: heidi@uni.example
  - :name: Ivan Sutherland
    :sid: '0109'
    :email: ivan@uni.example
  :created_at: 2026-11-19 23:00:00.000000000 Z
"""
ROSTER = """Student,ID,SIS User ID,SIS Login ID,Section,email,github,Identifier
"Lovelace, Ada",4101,s4101,ada,A,ada@uni.example,,
"Babbage, Bo",4102,s4102,bo,A,bo@uni.example,,
"Curie, Cy",4103,s4103,cy,A,cy@uni.example,,
Dijkstra Edsger,,s5001,edsger,B,edsger@uni.example,,Participant 5001
Émilie du Châtelet,,s5002,emilie,B,emilie@uni.example,,Participant 5002
Frances Allen,,s5003,frances,B,frances@uni.example,,Participant 5003
Grace Hopper,,0107,grace,C,grace@uni.example,,
Heidi Lamarr,,0108,heidi,C,heidi@uni.example,,
Ivan Sutherland,,0109,ivan,C,ivan@uni.example,,
Joan Clarke,,s6001,joan,D,joan@uni.example,jclarke,
Katherine Johnson,,s6002,katherine,D,katherine@uni.example,kjohnson,
Linus,,s7001,linus,E,linus@uni.example,,
Margaret Hamilton,,s7002,margaret,E,margaret@uni.example,,
Niklaus Wirth,,s7003,niklaus,E,niklaus@uni.example,,
"""
# name: (files that count, where "stub" is an untouched one; a word of its notes, or of its problem)
EXPECTED = {
    "Lovelace, Ada": (RIGHT, ""),
    "Babbage, Bo": (RIGHT, "q_sample (1).py was taken as q_sample.py"),
    "Curie, Cy": (RIGHT, ""),
    "Dijkstra Edsger": (RIGHT, "typed into the form"),
    "Émilie du Châtelet": (set(), "typed into the form"),
    "Frances Allen": (RIGHT, "Q_sample.py was taken as q_sample.py"),
    "Grace Hopper": (RIGHT, "loss.py.txt was taken as loss.py"),
    "Heidi Lamarr": (RIGHT, ""),
    "Ivan Sutherland": (RIGHT, ""),
    "Joan Clarke": (RIGHT, "exercises/ counts; left aside"),
    "Katherine Johnson": (RIGHT, "solutions/q_sample.py"),
    "Linus": (RIGHT, "q_sample.py was taken from the top"),
    "Margaret Hamilton": (RIGHT, ""),
    "Niklaus Wirth": (set(), "7z is an archive of a kind that cannot be read here"),
}
ASIDE = {"notes for me.txt"}


def tarred(files: dict[str, str]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, source in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(source.encode())
            archive.addfile(member, io.BytesIO(source.encode()))
    return content.getvalue()


def flat(folder: Path, prefix: str, files: dict[str, str]) -> None:
    for name, source in files.items():
        (folder / f"{prefix}_{name}").write_text(source)


def build(folder: Path, files: dict[str, str] | None = None) -> None:
    """Write the class; `files` are what each right student hands in."""
    files = files or FILES
    stubs = {name: source for name, source in STUBS.items() if name != "q_sample.py"}
    folder.mkdir(parents=True, exist_ok=True)
    # Canvas: flat. Ada late and again, Bo with a browser's copy, Cy a zip in a zip.
    flat(folder, "lovelaceada_4101_88001", stubs | {"q_sample.py": "raise RuntimeError('the old one')\n"})
    flat(folder, "lovelaceada_LATE_4101_88001", {name.replace(".py", "-1.py"): text for name, text in files.items()})
    renamed = {"q_sample (1).py" if name == "q_sample.py" else name: text for name, text in files.items()}
    flat(folder, "babbagebo_4102_88002", renamed)
    inner = zipped(files)
    (folder / "curiecy_4103_88003_kata.zip").write_bytes(zipped({"inner.zip": inner, "__MACOSX/._x": "x"}))
    # Moodle: a folder each, and what was typed.
    put(folder / "Dijkstra Edsger_5001_assignsubmission_file_", files)
    for who in ("Dijkstra Edsger_5001", "Émilie du Châtelet_5002"):
        put(folder / f"{who}_assignsubmission_onlinetext_", {"onlinetext.html": "<p>see my file</p>"})
    shouted = {"Q_sample.py" if name == "q_sample.py" else name: text for name, text in files.items()}
    put(folder / "Frances Allen_5003_assignsubmission_file_" / "my work", shouted)
    # Gradescope's export, in a folder of its own.
    export = folder / "assignment_77_export"
    put(export / "submission_901", {"loss.py.txt" if name == "loss.py" else name: text for name, text in files.items()})
    put(export / "submission_902", files)
    (export / "submission_metadata.yml").write_text(METADATA)
    # GitHub: clones, one with a stray stub at its root, one a fork with the solutions in it.
    for user in ("jclarke", "kjohnson"):
        put(folder / f"kata-{user}" / "exercises", files)
        put(folder / f"kata-{user}" / ".git", {"HEAD": "ref: refs/heads/main\n"})
    (folder / "kata-jclarke" / "q_sample.py").write_text(STUBS["q_sample.py"])
    put(folder / "kata-kjohnson" / "solutions", STUBS)
    # Plain: four below and one above; a tar.gz; a 7z. And a file that is nobody's.
    below = {name: text for name, text in files.items() if name != "q_sample.py"}
    put(folder / "linus" / "deeper", below)
    (folder / "linus" / "q_sample.py").write_text(files["q_sample.py"])
    (folder / "margaret.tar.gz").write_bytes(tarred({f"kata/{name}": text for name, text in files.items()}))
    (folder / "niklaus.7z").write_bytes(b"7z\xbc\xaf\x27\x1c")
    (folder / "notes for me.txt").write_text("call the dean")
    (folder / "roster.csv").write_text(ROSTER, encoding="utf-8-sig")
