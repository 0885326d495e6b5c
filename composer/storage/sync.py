"""Files of the host on their way into a container that goes on running; the image needs nothing for it.

The target is resolved with the container's root for `/`; below it a symbolic link may lead to another place of the target and never
out of it (openat2(2), RESOLVE_BENEATH). A file is written beside its place and renamed, so that nobody sees half of it. Where the
root file system is read-only for the container, it is written through the mount that the container's holder has of it.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from composer.errors import StorageError
from composer.host import Mirror
from composer.observed import Process
from composer.storage.folders import Folders, Outside, target_folders
from composer.storage.inside import running_root
from composer.store import ContainerPlaces, read_json, write_json

#: A file that is being written while it is copied: how often, and after how many seconds, it is tried again.
TRIES, PAUSE = 5, 0.02


def mirrored_roots(places: ContainerPlaces, process: Process, holder: Process | None) -> tuple[Path, ...]:
    """The container's root as its processes see it, and as its holder does: writable, and without what is mounted into it."""
    seen = running_root(process.pid)
    return (seen, Path(f"/proc/{holder.pid}/root{places.rootfs}")) if holder else (seen,)


def sync(places: ContainerPlaces, roots: Sequence[Path], mirrors: Sequence[Mirror], *, differing: bool) -> tuple[str, ...]:
    """See `host.Storage.sync`. Where drafts may be is written down before the first one is made."""
    tidy(places, roots)
    draft = f".composer-{secrets.token_hex(4)}"
    works = [work for mirror in mirrors for work in _works(mirror)]
    where = {(work.target, os.path.dirname(name)) for work in works for name in work.names}
    write_json(places.sync, {"draft": draft, "folders": sorted(where)})
    complaints = [said for work in works for said in _do(roots, work, draft, differing=differing)]
    places.sync.unlink(missing_ok=True)
    return tuple(complaints)


def tidy(places: ContainerPlaces, roots: Sequence[Path]) -> None:
    """Remove the drafts of a writer that was killed."""
    intent = read_json(places.sync)
    if intent is None:
        return
    for target, folder in intent["folders"]:
        with suppress(OSError, StorageError), _opened(roots, target) as folders:
            os.unlink(intent["draft"], dir_fd=folders.open(folder))
    places.sync.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Work:
    """Names to bring from a folder of the host to one of the container's. `single`: one file under a name that may be another there."""

    source: str
    target: str
    names: tuple[str, ...]
    single: str = ""  # the file's path on the host

    def path(self, name: str) -> str:
        return self.single or os.path.join(self.source, name)


def _works(mirror: Mirror) -> Iterator[Work]:
    names = tuple(filter(None, mirror.paths))
    if names:
        yield Work(mirror.source, mirror.target, names)
    if "" in mirror.paths and not os.path.isdir(mirror.source):
        folder, name = os.path.split(mirror.target.rstrip("/"))
        yield Work(os.path.dirname(mirror.source), folder or "/", (name,), mirror.source)


def _do(roots: Sequence[Path], work: Work, draft: str, *, differing: bool) -> Iterator[str]:
    with _opened(roots, work.target) as folders:
        for name in work.names:
            try:
                _one(folders, work, name, draft, differing=differing)
            except Outside as refused:
                yield f"{refused}: left out"
            except OSError as refused:
                if refused.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise
                yield f"{os.path.join(work.target, name)}: {refused.strerror}: left out"


@contextmanager
def _opened(roots: Sequence[Path], target: str) -> Iterator[Folders]:
    with ExitStack() as stack:
        yield target_folders(stack, roots, target)


def _one(folders: Folders, work: Work, name: str, draft: str, *, differing: bool) -> None:
    """Bring one path to what it is on the host at this moment."""
    parent, last = os.path.split(name)
    source = work.path(name)
    try:
        status = os.lstat(source)
    except (FileNotFoundError, NotADirectoryError):
        with suppress(FileNotFoundError, NotADirectoryError):
            _remove(last, folders.open(parent), only_a_file=bool(work.single))
        return
    folder = folders.make(parent, work.source)
    if stat.S_ISDIR(status.st_mode):
        folders.make(name, work.source)
    elif stat.S_ISLNK(status.st_mode):
        _link(source, last, folder, draft)
    elif not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "neither file, folder nor link")
    elif not (differing and _looks_the_same(status, last, folder)):
        with suppress(FileNotFoundError):  # it went as we came: that will be told
            _file(source, last, folder, draft)


def _file(source: str, name: str, folder: int, draft: str) -> None:
    """Write a draft, then let it take its place in one step (rename(2))."""
    with _drafted(draft, folder):
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=folder)
        try:
            status = _copy_whole(source, descriptor)
            os.fchown(descriptor, *_owner(name, folder))
            os.fchmod(descriptor, stat.S_IMODE(status.st_mode))
            os.utime(descriptor, ns=(status.st_atime_ns, status.st_mtime_ns))
        finally:
            os.close(descriptor)
        _take_place(draft, name, folder)


def _copy_whole(source: str, into: int) -> os.stat_result:
    """Copy a file as it is at one moment: one that changes meanwhile is read again, a few times."""
    for _ in range(TRIES):
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            before = os.fstat(descriptor)
            os.ftruncate(into, 0)
            offset = 0
            while count := os.sendfile(into, descriptor, offset, 1 << 20):
                offset += count
            after = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        if (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size):
            break
        os.lseek(into, 0, os.SEEK_SET)
        time.sleep(PAUSE)
    return after


def _link(source: str, name: str, folder: int, draft: str) -> None:
    with _drafted(draft, folder):
        os.symlink(os.readlink(source), draft, dir_fd=folder)
        os.chown(draft, *_owner(name, folder), dir_fd=folder, follow_symlinks=False)
        _take_place(draft, name, folder)


def _take_place(draft: str, name: str, folder: int) -> None:
    with suppress(IsADirectoryError):
        os.rename(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
        return
    _remove(name, folder)  # a folder became a file
    os.rename(draft, name, src_dir_fd=folder, dst_dir_fd=folder)


@contextmanager
def _drafted(draft: str, folder: int) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with suppress(OSError):
            os.unlink(draft, dir_fd=folder)
        raise


def _remove(name: str, folder: int, *, only_a_file: bool = False) -> None:
    if not stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=folder)
    elif not only_a_file:
        shutil.rmtree(name, dir_fd=folder)


def _owner(name: str, folder: int) -> tuple[int, int]:
    """Of what is replaced, else of the folder: what the image's user could write before, it can write afterwards."""
    try:
        there = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        there = os.fstat(folder)
    return there.st_uid, there.st_gid


def _looks_the_same(status: os.stat_result, name: str, folder: int) -> bool:
    """Size, mode and time; image layers may have kept whole seconds only."""
    try:
        there = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    whole = not there.st_mtime_ns % 10**9
    same_time = int(status.st_mtime) == int(there.st_mtime) if whole else status.st_mtime_ns == there.st_mtime_ns
    return same_time and (status.st_size, status.st_mode) == (there.st_size, there.st_mode)
