"""Whose files are those that composer writes for the user: with sudo, the caller's (sudo(8), SUDO_UID)."""

from __future__ import annotations

import os
from collections.abc import Mapping


def caller(environ: Mapping[str, str]) -> tuple[int, int]:
    """User and group id."""
    uid, gid = environ.get("SUDO_UID", ""), environ.get("SUDO_GID", "")
    if os.geteuid() == 0 and uid.isdecimal() and gid.isdecimal():
        return int(uid), int(gid)
    return os.geteuid(), os.getegid()


def hand_over(path: str, environ: Mapping[str, str]) -> None:
    """Give a file that was just made to the caller."""
    if os.geteuid() == 0:
        os.chown(path, *caller(environ), follow_symlinks=False)
