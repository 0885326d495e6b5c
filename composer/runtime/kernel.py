"""The few calls of Linux that Python 3.11 lacks: unshare(2), setns(2), mount(2), umount2(2), open_tree(2), move_mount(2)."""

from __future__ import annotations

import ctypes
import os

CLONE_FS = 0x200
CLONE_NEWNS = 0x20000
CLONE_NEWNET = 0x40000000
MS_REC = 0x4000
MS_SLAVE = 0x80000
MNT_DETACH = 2

#: The same on every architecture but Alpha.
_OPEN_TREE, _MOVE_MOUNT = 428, 429
_AT_FDCWD, _AT_SYMLINK_NOFOLLOW, _CLONE, _EMPTY_PATH = -100, 0x100, 1, 4

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """For the calling thread only; OSError when the kernel refuses."""
    _check(_libc.unshare(flags), "unshare")


def make_slave(path: str) -> None:
    """Mounts below `path` follow the host's from now on, and ours do not show there (mount_namespaces(7))."""
    _check(_libc.mount(b"none", os.fsencode(path), None, ctypes.c_ulong(MS_REC | MS_SLAVE), None), path)


def mount_tmpfs(path: str) -> None:
    """A small one, for root only (tmpfs(5))."""
    _check(_libc.mount(b"tmpfs", os.fsencode(path), b"tmpfs", ctypes.c_ulong(0), b"size=4m,mode=0700"), path)


def enter_mounts(namespace: int) -> None:
    """Move the calling thread to another mount namespace, at its root (setns(2))."""
    _check(_libc.setns(namespace, CLONE_NEWNS), "setns")


def enter_network(namespace: int) -> None:
    """Move the calling thread to another network namespace (setns(2))."""
    _check(_libc.setns(namespace, CLONE_NEWNET), "setns")


def copy_mount(path: str) -> int:
    """A descriptor of a copy of the mount at `path`, which belongs to no namespace yet (open_tree(2))."""
    descriptor: int = _libc.syscall(ctypes.c_long(_OPEN_TREE), ctypes.c_long(_AT_FDCWD), os.fsencode(path),
                                    ctypes.c_long(_CLONE | os.O_CLOEXEC | _AT_SYMLINK_NOFOLLOW))
    _check(int(descriptor < 0), path)
    return descriptor


def put_mount(descriptor: int, path: str) -> None:
    """Mount what `copy_mount` gave (move_mount(2))."""
    _check(_libc.syscall(ctypes.c_long(_MOVE_MOUNT), ctypes.c_long(descriptor), b"", ctypes.c_long(_AT_FDCWD), os.fsencode(path),
                         ctypes.c_long(_EMPTY_PATH)), path)


def unmount(path: str) -> None:
    _check(_libc.umount2(os.fsencode(path), MNT_DETACH), path)


def _check(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
