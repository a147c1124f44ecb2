"""What comes from students is not believed: names of any bytes, links, hurtful archives. Each costs its own row."""

import gzip
import io
import os
import random
import sys
import warnings
import zipfile

import class_of_platforms as platforms
import pytest
from class_of_twenty import FILES, put, zipped
from test_collect import BYTES

from grading.classroom.collect import collect


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes")
def test_names_of_any_bytes_are_rows_that_can_be_shown(tmp_path):
    names = [b"caf\xe9", b"\x1b[31mred", b"two\nlines", b"\xff\xfe", b"\xff\xfd", "\u202egnp".encode()]
    for name in names:
        folder = os.path.join(os.fsencode(tmp_path / "class"), name)
        os.makedirs(folder)
        with open(os.path.join(folder, b"loss.py"), "w") as file:
            file.write(FILES["loss.py"])
    rows = collect(tmp_path / "class")
    assert len(rows) == len(names)
    for row in rows:
        row.name.encode()
        assert row.name.isprintable()
        assert row.slug.isascii()
        assert row.files
    assert len({row.slug for row in rows}) == len(names)


def test_a_loop_of_links_is_a_row(tmp_path):
    put(tmp_path / "class" / "ada", FILES)
    (tmp_path / "class" / "loop").symlink_to(tmp_path / "class" / "loop")
    (tmp_path / "class" / "ada" / "up").symlink_to(tmp_path / "class")
    (tmp_path / "class" / "me").symlink_to(tmp_path / "class")
    rows = {row.name: row for row in collect(tmp_path / "class", tmp_path / "class" / "loop")}
    assert rows["ada"].files == BYTES
    assert "symbolic link" in rows["loop"].problem
    assert "symbolic link" in rows["me"].problem


def zip_of(names, content=b"") -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")
        for name in names:
            archive.writestr(name, content)
    return file.getvalue()


HOSTILE = {
    "many of one name": (lambda: zip_of(["q_sample.py"] * 100_000), "more than 10000 files"),
    "fewer of one name": (lambda: zip_of(["q_sample.py"] * 9_000), "are called like those"),
    "many folders": (lambda: zip_of([f"{i}/q_sample.py" for i in range(9_000)]), "are called like those"),
    "bomb": (lambda: zip_of(["q_sample.py"], b"#" * (256 << 20)), "larger than 256 KiB"),
    "nested bomb": (lambda: zip_of(["a.zip"], zip_of(["q_sample.py"], b"#" * (64 << 20))), "larger than 256 KiB"),
    "archive that is a bomb": (lambda: zip_of(["a.zip"], b"PK" + bytes(64 << 20)), "larger than"),
    "twice": (lambda: zipped({"q_sample.py": "one", "./q_sample.py": "two"}), "twice"),
    "climber": (lambda: zipped({"../q_sample.py": ""}), "none of the five files"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_archive_costs_its_own_row(kind, tmp_path):
    make, says = HOSTILE[kind]
    put(tmp_path / "class" / "ada", FILES)
    (tmp_path / "class" / "zed.zip").write_bytes(make())
    ada, zed = collect(tmp_path / "class")
    assert ada.files == BYTES
    assert says in zed.problem, zed


def test_a_compressed_tar_that_unpacks_without_end_is_a_row(tmp_path):
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "zed.tar.gz").write_bytes(gzip.compress(bytes(80 << 20)))
    (row,) = collect(tmp_path / "class")
    assert "unpacks to more than" in row.problem


def test_mutated_archives_are_rows(tmp_path):
    """Bytes changed at random: a submission or a sentence, never a traceback."""
    draw = random.Random(0)
    whole = [zipped(FILES), platforms.tarred(FILES)]
    (tmp_path / "class").mkdir()
    for number in range(200):
        content = bytearray(whole[number % 2])
        for _ in range(draw.choice((1, 3, 30))):
            content[draw.randrange(len(content))] = draw.randrange(256)
        ending = ("zip", "tar.gz")[number % 2]
        (tmp_path / "class" / f"s{number}.{ending}").write_bytes(content[: draw.choice((len(content), 500))])
    rows = collect(tmp_path / "class")
    assert len(rows) == 200
    assert all(bool(row.files) != bool(row.problem) for row in rows)
