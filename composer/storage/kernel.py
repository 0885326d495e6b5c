"""The system calls that Python lacks: mount(2), openat2(2), and the file-system context calls (fsopen(2)).

The numbers of the newer calls are the same on every architecture but Alpha. Errors come as OSError.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_BIND = 4096
MS_REC = 16384

OVERLAYFS_MAGIC = 0x794C7630

_MOVE_MOUNT, _FSOPEN, _FSCONFIG, _FSMOUNT, _OPENAT2 = 429, 430, 431, 432, 437
_CLOEXEC = 1
_SET_STRING, _CMD_CREATE = 1, 6
_EMPTY_PATH = 4
_AT_FDCWD = -100
_RESOLVE_NO_MAGICLINKS, _RESOLVE_BENEATH, _RESOLVE_IN_ROOT = 0x02, 0x08, 0x10
_TRIES = 1000


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def mount(source: str, target: Path, kind: str, flags: int = 0, data: str = "") -> None:
    """mount(2) in the calling thread's mount namespace; `data` longer than a page fails with EINVAL."""
    if _LIBC.mount(os.fsencode(source), os.fsencode(target), kind.encode(), ctypes.c_ulong(flags), os.fsencode(data)):
        _fail(str(target))


def mount_overlay(lower: list[Path], upper: Path, work: Path, target: Path, flags: list[tuple[str, str]]) -> None:
    """Mount an overlay of any number of layers by fsconfig(2); `lowerdir+` exists since Linux 6.7, older ones say EINVAL."""
    context = _call(_FSOPEN, b"overlay", _CLOEXEC)
    try:
        for key, value in [*(("lowerdir+", str(layer)) for layer in lower), ("upperdir", str(upper)), ("workdir", str(work)), *flags]:
            _call(_FSCONFIG, context, _SET_STRING, key.encode(), os.fsencode(value), 0)
        _call(_FSCONFIG, context, _CMD_CREATE, None, None, 0)
        mounted = _call(_FSMOUNT, context, _CLOEXEC, 0)
    finally:
        os.close(context)
    try:
        _call(_MOVE_MOUNT, mounted, b"", _AT_FDCWD, os.fsencode(target), _EMPTY_PATH)
    finally:
        os.close(mounted)


@contextmanager
def opened_in_root(root: Path, path: str, flags: int) -> Iterator[int]:
    """A descriptor of `path` with `root` taken for `/`: no symbolic link and no `..` leads out of it (openat2(2), RESOLVE_IN_ROOT)."""
    top = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        descriptor = open_in_root(top, path, flags)
    finally:
        os.close(top)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def open_in_root(top: int, path: str, flags: int) -> int:
    """As `opened_in_root`, from an open folder; the caller closes."""
    return _openat2(top, path, flags, _RESOLVE_IN_ROOT)


def open_beneath(top: int, path: str, flags: int) -> int:
    """A descriptor of what is below an open folder; a symbolic link or `..` that leads out of it is EXDEV. The caller closes."""
    return _openat2(top, path, flags, _RESOLVE_BENEATH)


def _openat2(top: int, path: str, flags: int, resolve: int) -> int:
    how = _OpenHow(flags | os.O_CLOEXEC, 0, resolve | _RESOLVE_NO_MAGICLINKS)
    for _ in range(_TRIES):
        # A mount or rename anywhere, at the moment when a `..` is walked, makes the kernel give up: it asks to try again.
        with suppress(BlockingIOError):
            return _call(_OPENAT2, top, os.fsencode(path), ctypes.byref(how), ctypes.sizeof(how))
    raise OSError(errno.EAGAIN, "the file system changes too fast", path)


def file_system(path: Path) -> int:
    """The magic number of the file system that holds `path` (statfs(2))."""
    buffer = ctypes.create_string_buffer(256)
    if _LIBC.statfs(os.fsencode(path), buffer):
        _fail(str(path))
    return ctypes.c_long.from_buffer(buffer).value


def _call(number: int, *arguments: object) -> int:
    result: int = _LIBC.syscall(ctypes.c_long(number), *(ctypes.c_long(item) if isinstance(item, int) else item for item in arguments))
    if result < 0:
        _fail()
    return result


def _fail(path: str | None = None) -> None:
    code = ctypes.get_errno()
    raise OSError(code, os.strerror(code), path)
