"""A volume's first contents: what the image has at the place where it is mounted.

    .copy     being copied; worthless when nobody holds the lock
    .whole    copied to its end; its entries are being moved into _data, which anybody can carry on
    .filled   nothing left to do, for ever

_data itself is never replaced: another container may have it mounted already.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from composer import process
from composer.errors import StorageError
from composer.storage import kernel
from composer.storage.volumes import data
from composer.store import remove_tree


def fill(volume: Path, rootfs: Path, target: str) -> None:
    """Copy `target` of the image into a volume that was never used; owner and mode of the folder are taken over even if it is empty.

    Safe to be called for several containers at once, and to be killed.
    """
    if (volume / ".filled").exists():
        return
    with _locked(volume) as lock:
        if not (volume / ".filled").exists():
            _fill(volume, rootfs, target, lock)
            (volume / ".filled").touch()


@contextmanager
def _locked(volume: Path) -> Iterator[int]:
    """flock(2) on the folder. The copying program inherits it: while one whose parent was killed still writes, nobody begins again."""
    descriptor = os.open(volume, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _fill(volume: Path, rootfs: Path, target: str, lock: int) -> None:
    whole = volume / ".whole"
    if not whole.exists() and not any(data(volume).iterdir()):
        _copy(volume, rootfs, target, lock)
    if whole.exists():
        _move(whole, data(volume))


def _copy(volume: Path, rootfs: Path, target: str, lock: int) -> None:
    copy = volume / ".copy"
    remove_tree(copy)
    try:
        with kernel.opened_in_root(rootfs, target, os.O_RDONLY | os.O_DIRECTORY) as source:
            copy.mkdir(mode=0o700)
            if os.listdir(source):
                process.run(["cp", "-a", "--", f"/proc/self/fd/{source}/.", str(copy)], pass_fds=[source, lock], error=StorageError)
            _take_over(os.fstat(source), copy)
        copy.rename(volume / ".whole")
    except FileNotFoundError:
        return  # the image has nothing there
    except NotADirectoryError as refused:
        raise StorageError(f"volume {volume.name}: {target} is no folder in the image") from refused
    finally:
        remove_tree(copy)


def _move(whole: Path, into: Path) -> None:
    """Every step may be done twice: what is here already was moved before we were killed."""
    for entry in whole.iterdir():
        entry.rename(into / entry.name)
    _take_over(whole.stat(), into)
    with suppress(FileNotFoundError):
        whole.rmdir()


def _take_over(status: os.stat_result, folder: Path) -> None:
    os.chown(folder, status.st_uid, status.st_gid)
    os.chmod(folder, status.st_mode & 0o7777)
