"""The few calls of Linux that Python 3.11 lacks: unshare(2), mount(2), umount2(2)."""

from __future__ import annotations

import ctypes
import os

CLONE_FS = 0x200
CLONE_NEWNS = 0x20000
MS_REC = 0x4000
MS_SLAVE = 0x80000
MNT_DETACH = 2

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """For the calling thread only; OSError when the kernel refuses."""
    _check(_libc.unshare(flags), "unshare")


def make_slave(path: str) -> None:
    """Mounts below `path` follow the host's from now on, and ours do not show there (mount_namespaces(7))."""
    _check(_libc.mount(b"none", os.fsencode(path), None, ctypes.c_ulong(MS_REC | MS_SLAVE), None), path)


def mount_tmpfs(path: str) -> None:
    """A small one, for root only (tmpfs(5))."""
    _check(_libc.mount(b"tmpfs", os.fsencode(path), b"tmpfs", ctypes.c_ulong(0), b"size=64k,mode=0700"), path)


def unmount(path: str) -> None:
    _check(_libc.umount2(os.fsencode(path), MNT_DETACH), path)


def _check(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
