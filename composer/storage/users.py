"""Whom a service runs as: `user:` looked up in the image's own /etc/passwd and /etc/group, as Docker does."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from composer.errors import StorageError
from composer.storage import kernel


@dataclass(frozen=True, slots=True)
class User:
    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()
    home: str = "/"


def look_up(rootfs: Path, wanted: str, *, subject: str) -> User:
    """`wanted` is NAME, UID, NAME:GROUP or UID:GID, "" for root; `subject` begins the message for one that is not there."""
    return find(wanted, _read(rootfs, "/etc/passwd"), _read(rootfs, "/etc/group"), subject=subject)


def groups(rootfs: Path, wanted: Iterable[str], *, subject: str) -> tuple[int, ...]:
    """`group_add`: names of the image's group file, or numbers."""
    table = _entries(_read(rootfs, "/etc/group"), 3)
    return tuple(_gid(table, name, subject) for name in wanted)


def find(wanted: str, passwd: str, group: str, *, subject: str) -> User:
    """PURE. Further groups come from the group file, and only when no group is named; a number needs no entry.

    The primary group is among the supplementary ones too, so that dropping it by setgid(2) does not get round a mode like 0705.
    """
    name, _, group_name = (wanted or "0").partition(":")
    users, groups = _entries(passwd, 6), _entries(group, 3)
    entry = _entry(users, name)
    if entry is None and not name.isdecimal():
        raise StorageError(f'{subject}: the image has no user "{name}" (/etc/passwd)', hint='a number needs no entry: user: "1000:1000"')
    uid = int(entry[2]) if entry else int(name)
    gid = int(entry[3]) if entry else 0
    home = entry[5] if entry and entry[5] else "/"
    if group_name:
        gid = _gid(groups, group_name, subject)
        return User(uid, gid, (gid,), home)
    member_of = [int(item[2]) for item in groups if entry and entry[0] in item[3].split(",")]
    return User(uid, gid, tuple(dict.fromkeys([gid, *member_of])), home)


def _gid(groups: list[list[str]], name: str, subject: str) -> int:
    entry = _entry(groups, name)
    if entry is None and not name.isdecimal():
        raise StorageError(f'{subject}: the image has no group "{name}" (/etc/group)')
    return int(entry[2]) if entry else int(name)


def _entry(entries: Iterable[list[str]], name: str) -> list[str] | None:
    """By name; a number that is no name stands for the id in the third field."""
    found = list(entries)
    by_name = next((entry for entry in found if entry[0] == name), None)
    return by_name or next((entry for entry in found if entry[2] == name), None)


def _entries(text: str, least: int) -> list[list[str]]:
    """Well-formed lines only (passwd(5), group(5)); a short group line has no members."""
    rows = (line.split(":") for line in text.splitlines())
    return [[*row, ""] for row in rows if len(row) >= least and row[2].isdecimal() and (least < 6 or row[3].isdecimal())]


def _read(rootfs: Path, path: str) -> str:
    """A regular file of the image; "" when there is none. A FIFO there must not make us wait."""
    try:
        with kernel.opened_in_root(rootfs, path, os.O_RDONLY | os.O_NONBLOCK) as descriptor:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return ""
            with os.fdopen(os.dup(descriptor), errors="replace") as file:
                return file.read()
    except OSError:
        return ""
