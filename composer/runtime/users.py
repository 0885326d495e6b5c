"""The user of `exec --user`, looked up in the container's own /etc/passwd and /etc/group (passwd(5), group(5))."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from composer.errors import ContainerError


@dataclass(frozen=True, slots=True)
class User:
    uid: int
    gid: int
    groups: tuple[int, ...] = ()
    home: str = "/"


def look_up(text: str, passwd: str, group: str, added: Iterable[str] = ()) -> User:
    """`NAME|UID[:NAME|GID]`; a number needs no entry, a name does. With a group given, none of the group file's members are added, those
    of the service's `group_add` (`added`) always (as Docker)."""
    further = tuple(_group(name, group) for name in added)
    name, _, group_name = text.partition(":")
    entry = next((row for row in _rows(passwd, 6) if name in (row[0], row[2])), None)
    if entry is None and not name.isdecimal():
        raise ContainerError(f"no user {name!r} in the container", hint="its /etc/passwd lists them; a number always works")
    uid, gid, home = (int(entry[2]), int(entry[3]), entry[5] or "/") if entry else (int(name), 0, "/")
    if group_name:
        gid = _group(group_name, group)
        return User(uid, gid, _once(gid, *further), home)
    member_of = [int(row[2]) for row in _rows(group, 4) if entry and entry[0] in row[3].split(",")]
    return User(uid, gid, _once(gid, *member_of, *further), home)


def _once(*groups: int) -> tuple[int, ...]:
    return tuple(dict.fromkeys(groups))


def read_in(root: str, *names: str) -> str:
    """A file below a root folder that is not ours: no symbolic link on the way is followed, it could lead to the host's own file."""
    with suppress(OSError):
        folder = os.open(root, os.O_PATH | os.O_CLOEXEC)
        for name in names[:-1]:
            folder = _step(folder, name, os.O_PATH | os.O_DIRECTORY)
        with os.fdopen(_step(folder, names[-1], os.O_RDONLY | os.O_NONBLOCK), errors="replace") as file:
            return file.read()
    return ""


def _step(folder: int, name: str, flags: int) -> int:
    try:
        return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    finally:
        os.close(folder)


def _rows(text: str, fields: int) -> list[list[str]]:
    rows = (line.split(":") for line in text.splitlines())
    return [row for row in rows if len(row) >= fields and row[2].isdecimal()]


def _group(name: str, table: str) -> int:
    if name.isdecimal():
        return int(name)
    for row in _rows(table, 4):
        if row[0] == name:
            return int(row[2])
    raise ContainerError(f"no group {name!r} in the container", hint="its /etc/group lists them; a number always works")
