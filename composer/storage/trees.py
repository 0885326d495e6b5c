"""Files on their way into a container, out of it, or through a tar stream (`cp`, `export`).

Neither side trusts the other: the top is resolved with the container's root for `/` (openat2(2), RESOLVE_IN_ROOT), and below it
no symbolic link is ever followed, one name at a time from an open folder. Nothing in the image is needed.
"""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from typing import IO, Literal

from composer.errors import StorageError

Kind = Literal["file", "folder", "link", "same", "other"]
_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Entry:
    """One file; `name` is relative, with `/`. `same`: a further name of the file at `target`; `other`: a device, socket or pipe."""

    name: str
    kind: Kind
    mode: int
    uid: int
    gid: int
    changed: float
    size: int = 0
    target: str = ""
    content: Callable[[], IO[bytes]] = BytesIO


def walk(descriptor: int, name: str, *, mount: str = "") -> Iterator[Entry]:
    """What is open at an O_PATH descriptor, and all below it, folders before what is in them. Each entry is to be used before the next.

    With `mount` (see `mount_of`), what other mounts show is left out: their folders and files come empty."""
    status = os.fstat(descriptor)
    foreign = bool(mount) and mount_of(descriptor) != mount
    kind = _kind(status.st_mode)
    target = os.readlink("", dir_fd=descriptor) if kind == "link" else ""
    size = status.st_size if kind == "file" and not foreign else 0
    yield Entry(name, kind, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, status.st_mtime, size, target,
                partial(_read, os.devnull if foreign else f"/proc/self/fd/{descriptor}"))
    if kind == "folder" and not foreign:
        for child in sorted(os.listdir(f"/proc/self/fd/{descriptor}")):
            with suppress(FileNotFoundError), _opened(child, os.O_PATH | os.O_NOFOLLOW, descriptor) as below:
                yield from walk(below, f"{name}/{child}" if name else child, mount=mount)


def mount_of(descriptor: int) -> str:
    """The mount that an open file belongs to (proc(5), /proc/PID/fdinfo, mnt_id)."""
    with open(f"/proc/self/fdinfo/{descriptor}") as file:
        return next(line.split()[1] for line in file if line.startswith("mnt_id:"))


def unpack(archive: IO[bytes]) -> Iterator[Entry]:
    """The entries of a tar stream, compressed or not."""
    kinds: dict[bytes, Kind] = {tarfile.DIRTYPE: "folder", tarfile.SYMTYPE: "link", tarfile.LNKTYPE: "same"}
    try:
        with tarfile.open(fileobj=archive, mode="r|*") as tar:
            for one in tar:
                kind: Kind = "file" if one.isreg() else kinds.get(one.type, "other")
                content = tar.extractfile(one) if kind == "file" else None
                yield Entry(_clean(one.name), kind, one.mode & 0o7777, one.uid, one.gid, one.mtime, one.size,
                            one.linkname if kind == "link" else _clean(one.linkname), partial(_given, content))
    except tarfile.TarError as broken:
        raise StorageError(f"what was given is no tar archive: {broken}") from broken


def pack(entries: Iterator[Entry], archive: IO[bytes]) -> list[str]:
    """Write a tar stream; the names that no archive of ours can hold are returned."""
    kinds = {"file": tarfile.REGTYPE, "folder": tarfile.DIRTYPE, "link": tarfile.SYMTYPE}
    skipped = []
    with tarfile.open(fileobj=archive, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for one in entries:
            if one.kind not in kinds:
                skipped.append(one.name)
                continue
            info = tarfile.TarInfo(one.name or ".")
            info.type, info.mode, info.uid, info.gid, info.linkname = kinds[one.kind], one.mode, one.uid, one.gid, one.target
            info.mtime, info.size = int(one.changed), one.size
            with one.content() if one.kind == "file" else BytesIO() as content:
                tar.addfile(info, content)
    return skipped


@dataclass(frozen=True, slots=True)
class Writer:
    """Puts entries below an open folder. `owner` None keeps each entry's own; set-id bits stay only then."""

    folder: int
    owner: tuple[int, int] | None = None

    def write(self, entries: Iterator[Entry]) -> list[str]:
        """What could not be put anywhere (devices, sockets, pipes) is returned."""
        skipped = []
        for one in entries:
            if one.kind == "other":
                skipped.append(one.name)
            elif one.name:
                with self._parent(one.name) as parent:
                    self._put(one, parent, os.path.basename(one.name))
        return skipped

    def _put(self, one: Entry, parent: int, name: str) -> None:
        if one.kind == "folder":
            self._make_folder(one, parent, name)
            return
        with suppress(FileNotFoundError):
            there = os.stat(name, dir_fd=parent, follow_symlinks=False)
            if stat.S_ISDIR(there.st_mode):
                raise StorageError(f"{one.name}: there is a folder of that name")
            if one.kind != "file" or not stat.S_ISREG(there.st_mode):
                os.unlink(name, dir_fd=parent)
        if one.kind == "link":
            os.symlink(one.target, name, dir_fd=parent)
            os.chown(name, *self._owner(one), dir_fd=parent, follow_symlinks=False)
        elif one.kind == "same":
            with self._parent(one.target) as other:
                os.link(os.path.basename(one.target), name, src_dir_fd=other, dst_dir_fd=parent, follow_symlinks=False)
        else:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK
            with _opened(name, flags, parent) as descriptor:
                self.fill(descriptor, one)

    def _make_folder(self, one: Entry, parent: int, name: str) -> None:
        """One that is there stays as it is."""
        try:
            os.mkdir(name, 0o700, dir_fd=parent)
        except FileExistsError:
            return
        with _opened(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, parent) as descriptor:
            self._dress(descriptor, one)

    def fill(self, descriptor: int, one: Entry) -> None:
        """Content and attributes of a file that is open for writing."""
        with one.content() as content, open(os.dup(descriptor), "wb") as file:
            shutil.copyfileobj(content, file, 1 << 20)
        self._dress(descriptor, one)
        os.utime(descriptor, (one.changed, one.changed))

    def _dress(self, descriptor: int, one: Entry) -> None:
        os.fchown(descriptor, *self._owner(one))
        os.fchmod(descriptor, one.mode if self.owner is None else one.mode & 0o1777)

    def _owner(self, one: Entry) -> tuple[int, int]:
        return self.owner or (one.uid, one.gid)

    @contextmanager
    def _parent(self, name: str) -> Iterator[int]:
        """The folder that holds `name`; those on the way that an archive does not name are made."""
        descriptor = os.dup(self.folder)
        try:
            for part in name.split("/")[:-1]:
                with suppress(FileExistsError):
                    os.mkdir(part, 0o755, dir_fd=descriptor)
                below = os.open(part, _FOLDER, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = below
            yield descriptor
        except NotADirectoryError as link:
            raise StorageError(f"{name}: a part of its path is no folder (or a symbolic link, which is not followed)") from link
        finally:
            os.close(descriptor)


def renamed(entries: Iterator[Entry], old: str, new: str) -> Iterator[Entry]:
    """The same tree below another name; the top itself, with an empty name, is left out."""
    for one in entries:
        rest = one.name.removeprefix(old).lstrip("/")
        name = "/".join(filter(None, (new, rest)))
        if name:
            yield replace(one, name=name)


def _read(path: str) -> IO[bytes]:
    return open(path, "rb")


def _given(content: IO[bytes] | None) -> IO[bytes]:
    return content or BytesIO()


def _kind(mode: int) -> Kind:
    return "file" if stat.S_ISREG(mode) else "folder" if stat.S_ISDIR(mode) else "link" if stat.S_ISLNK(mode) else "other"


def _clean(name: str) -> str:
    """A member's name without what could lead out: tar(1) drops a leading `/`, and `..` is refused."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise StorageError(f"{name}: an archive's names must not contain ..")
    return "/".join(parts)


@contextmanager
def _opened(name: str, flags: int, folder: int) -> Iterator[int]:
    descriptor = os.open(name, flags | os.O_CLOEXEC, 0o600, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
