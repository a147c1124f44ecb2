"""What a student may hand in: a folder or a zip with five files in it, and what else turns up."""

import os
import zipfile

import pytest
from class_of_twenty import FILES, STUBS, put, zipped
from grading.classroom.gradebook.archive import NotASubmission, files_of_zip
from grading.classroom.gradebook.collect import collect, files_in

from grading.submission.errors import UsageError


@pytest.mark.parametrize("above", ["", "one/", "one/two/three/"])
def test_a_zip_holds_the_files_at_its_top_or_in_one_folder(above, tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({"readme.md": "hello"} | {above + name: text for name, text in FILES.items()}))
    assert files_of_zip(path) == {name: text.encode() for name, text in FILES.items()}


def test_the_topmost_files_of_a_zip_count(tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({f"old/{name}": "old" for name in FILES} | FILES))
    assert files_of_zip(path)["loss.py"] == FILES["loss.py"].encode()


def test_a_zip_whose_sizes_lie_is_refused(tmp_path):
    path = tmp_path / "a.zip"
    honest = zipped({"loss.py": b"#" * 1_000_000})
    path.write_bytes(honest.replace((1_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    with pytest.raises(NotASubmission, match="the zip cannot be read"):
        files_of_zip(path)


def test_a_zip_that_holds_a_file_twice_is_refused(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("loss.py", "right = 1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("loss.py", "wrong = 1")
    with pytest.raises(NotASubmission, match=r"loss\.py twice"):
        files_of_zip(path)


def test_an_encrypted_zip_is_refused(tmp_path):
    path = tmp_path / "a.zip"
    content = bytearray(zipped({"loss.py": "x = 1"}))
    content[6] |= 1  # flags in the member's own header, and in the table of contents
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(NotASubmission, match="encrypted"):
        files_of_zip(path)


def test_a_pipe_in_the_place_of_a_zip_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "a.zip")
    with pytest.raises(NotASubmission, match="not a regular file"):
        files_of_zip(tmp_path / "a.zip")


def test_a_zip_alone_in_a_folder_is_that_students(tmp_path):
    put(tmp_path / "ada", {"notes.txt": "enjoy"})
    (tmp_path / "ada" / "work.zip").write_bytes(zipped(STUBS))
    assert files_in(tmp_path / "ada") == {name: text.encode() for name, text in STUBS.items()}


def test_a_link_within_a_folder_leads_nowhere(tmp_path):
    put(tmp_path / "ada", FILES)
    put(tmp_path / "bo", {})
    (tmp_path / "bo" / "deeper").symlink_to(tmp_path / "ada")
    with pytest.raises(NotASubmission, match="none of the five files"):
        files_in(tmp_path / "bo")
    (tmp_path / "bo" / "loss.py").symlink_to(tmp_path / "ada" / "loss.py")
    assert b"raise ImportError" in files_in(tmp_path / "bo")["loss.py"]


@pytest.mark.parametrize(
    ("names", "says"),
    [(None, "no such folder"), ([], "neither a folder nor a zip"), (["loss.py"], "one submission"), ("file", "a file")],
)
def test_what_is_no_class_is_one_sentence(names, says, tmp_path):
    folder = tmp_path / "class"
    if names == "file":
        folder.write_text("")
    elif names is not None:
        put(folder, dict.fromkeys(names, ""))
    with pytest.raises(UsageError, match=says):
        collect(folder, tmp_path / "out")


def test_the_gradebook_may_lie_among_the_submissions(tmp_path):
    put(tmp_path / "ada", FILES)
    (tmp_path / "out").mkdir()
    assert [s.name for s in collect(tmp_path, tmp_path / "out")[0]] == ["ada"]


def test_every_submission_has_a_folder_of_its_own(tmp_path):
    names = ["a b", "a-b", "a+b", "ä", "..a", "x" * 200, "gradebook.html"]
    for name in names:
        (tmp_path / name).mkdir()
    slugs = [s.slug for s in collect(tmp_path, tmp_path / "out")[0]]
    assert len(set(slugs)) == len(slugs) == len(names) - 1  # a name that begins with a dot is hidden
    assert all(slug.isascii() and slug.replace("-", "").replace("_", "").isalnum() for slug in slugs)
