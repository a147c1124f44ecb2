"""Show a picture in whatever the terminal stands in: VS Code's editor, or the desktop's own viewer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def opener(environment: Mapping[str, str], platform: str = sys.platform) -> list[str] | None:
    """The command that opens a file here; None where there is no screen to open it on."""
    if environment.get("TERM_PROGRAM") == "vscode" and (code := shutil.which("code")):
        return [code, "--reuse-window"]
    if "SSH_CONNECTION" in environment and not environment.get("DISPLAY"):
        return None
    if platform == "win32":
        return ["explorer"]
    if platform == "darwin":
        return ["open"]
    on_a_desktop = environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")
    found = shutil.which("xdg-open") if on_a_desktop else None
    return [found] if found else None


def view(picture: Path) -> bool:
    """Open a picture if this is a terminal with a screen behind it; whether that was tried."""
    command = opener(os.environ) if sys.stdout.isatty() else None
    if command is None:
        return False
    quiet = subprocess.DEVNULL
    try:
        subprocess.Popen([*command, str(picture.resolve())], stdin=quiet, stdout=quiet, stderr=quiet)
    except OSError:
        return False
    return True
