"""Where a picture is opened: VS Code's editor, a desktop's viewer, or nowhere."""

import pytest

from grading.cli import viewer


@pytest.mark.parametrize(
    ("environment", "platform", "command"),
    [
        ({"TERM_PROGRAM": "vscode", "SSH_CONNECTION": "here there"}, "linux", ["/bin/code", "--reuse-window"]),
        ({"DISPLAY": ":0"}, "linux", ["/bin/xdg-open"]),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", ["/bin/xdg-open"]),
        ({}, "linux", None),
        ({}, "darwin", ["open"]),
        ({"SSH_CONNECTION": "here there"}, "darwin", None),
        ({}, "win32", ["explorer"]),
    ],
)
def test_a_picture_opens_where_there_is_a_screen(environment, platform, command, monkeypatch):
    monkeypatch.setattr(viewer.shutil, "which", lambda name: f"/bin/{name}")
    assert viewer.opener(environment, platform) == command


def test_nothing_is_opened_where_nobody_looks(tmp_path, monkeypatch):
    monkeypatch.setattr(viewer.subprocess, "Popen", None)
    monkeypatch.setenv("DISPLAY", ":0")
    assert not viewer.view(tmp_path / "picture.png")
