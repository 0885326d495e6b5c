"""`cp` from one root to another: where things go, by the rules of docker cp."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from composer.errors import StorageError
from composer.storage import kernel
from composer.storage.trees import Entry, Writer, mount_of, pack, renamed, unpack, walk


@dataclass(frozen=True, slots=True)
class Spot:
    """A path, with `root` for `/`. A trailing `/.` means what is in the folder, a trailing `/` that it has to be one."""

    root: Path
    path: str

    @property
    def name(self) -> str:
        """The last part, "" for what has none."""
        if self.path.endswith("/."):
            return ""
        last = os.path.basename(self.path.rstrip("/"))
        return "" if last in (".", "..") else last


def copy(source: Spot, destination: Spot, *, follow: bool, owner: tuple[int, int] | None) -> list[str]:
    """Copy a file or a tree; returns what cannot be copied (devices, sockets, pipes). `follow`: the source may be a symbolic link."""
    with _source(source, follow=follow) as (entries, is_folder):
        return _store(entries, source, destination, owner, is_folder=is_folder)


def to_archive(source: Spot, archive: IO[bytes], *, follow: bool) -> list[str]:
    with _source(source, follow=follow) as (entries, _):
        return pack(entries, archive)


def export(root: Path, archive: IO[bytes]) -> list[str]:
    """A container's own file system, without what is mounted in it: neither volumes nor /proc."""
    top = Spot(root, "/.")
    with _words(top), kernel.opened_in_root(root, "/", os.O_PATH) as folder:
        return pack(walk(folder, "", mount=mount_of(folder)), archive)


def from_archive(archive: IO[bytes], destination: Spot, *, owner: tuple[int, int] | None) -> list[str]:
    """The destination has to be a folder."""
    with _words(destination), kernel.opened_in_root(destination.root, destination.path, os.O_PATH | os.O_DIRECTORY) as folder:
        return Writer(folder, owner).write(unpack(archive))


@contextmanager
def _source(source: Spot, *, follow: bool) -> Iterator[tuple[Iterator[Entry], bool]]:
    follow = follow or source.path.endswith(("/", "/."))
    with _words(source), kernel.opened_in_root(source.root, source.path, os.O_PATH | (0 if follow else os.O_NOFOLLOW)) as top:
        yield walk(top, source.name), stat.S_ISDIR(os.fstat(top).st_mode)


def _store(entries: Iterator[Entry], source: Spot, target: Spot, owner: tuple[int, int] | None, *, is_folder: bool) -> list[str]:
    with _words(target):
        try:
            with kernel.opened_in_root(target.root, target.path, os.O_PATH) as there:
                if stat.S_ISDIR(os.fstat(there).st_mode):
                    return Writer(there, owner).write(renamed(entries, source.name, source.name))
                if is_folder:
                    raise StorageError(f"{target.path} is a file: a folder cannot be copied over it")
                return _overwrite(there, entries, owner)
        except FileNotFoundError:
            if target.path.endswith("/") and not is_folder:
                raise
        parent = os.path.dirname(target.path.rstrip("/")) or "/"
        with kernel.opened_in_root(target.root, parent, os.O_PATH | os.O_DIRECTORY) as folder:
            return Writer(folder, owner).write(_below(entries, source.name, target.name))


def _below(entries: Iterator[Entry], old: str, new: str) -> Iterator[Entry]:
    """A folder that is not there yet becomes a copy of the source."""
    if not old:  # "what is in the folder" has a top of its own all the same
        first = next(entries)
        yield from renamed(iter([first]), "", new)
    yield from renamed(entries, old, new)


def _overwrite(there: int, entries: Iterator[Entry], owner: tuple[int, int] | None) -> list[str]:
    (one,) = entries
    if one.kind != "file":
        return [one.name]
    descriptor = os.open(f"/proc/self/fd/{there}", os.O_WRONLY | os.O_TRUNC | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        Writer(there, owner).fill(descriptor, one)
    finally:
        os.close(descriptor)
    return []


@contextmanager
def _words(spot: Spot) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:  # the reader of our archive has enough: the command line's business
        raise
    except OSError as refused:
        raise StorageError(f"{refused.filename or spot.path}: {refused.strerror}") from refused
