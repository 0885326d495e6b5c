"""A `docker-compose` command that runs composer: a script of two lines, so that it follows composer wherever that is upgraded."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from composer.errors import ComposerError, UsageError

MARK = "# composer's docker-compose"


def install(folder: Path, *, force: bool) -> Path:
    """The path of the command. One that is not ours is replaced with `force` only."""
    target = folder / "docker-compose"
    if os.path.lexists(target) and not force and not _ours(target):
        raise UsageError(f"{target} is there, and not composer's", hint="--force replaces it, --to chooses another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        target.write_text(f'#!/bin/sh\n{MARK}\nexec {shlex.join(called())} "$@"\n')
        target.chmod(0o755)
    except OSError as refused:
        raise ComposerError(f"{target}: {refused.strerror}", hint="run it with sudo, or use --to") from refused
    return target


def _ours(path: Path) -> bool:
    try:
        return MARK in path.read_text(errors="replace")
    except OSError:
        return False


def called() -> list[str]:
    """How this composer is called: the command beside this Python, else the module."""
    command = Path(sys.executable).with_name("composer")
    return [str(command)] if command.exists() else [sys.executable, "-m", "composer"]
