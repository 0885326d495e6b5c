"""Run a function in a mount namespace of its own, as the launcher of a container does."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_FS, _CLONE_NEWNS = 0x200, 0x20000
_MS_REC, _MS_SLAVE = 16384, 1 << 19


def in_mount_namespace(function: Callable[[], T]) -> T:
    """The function's value or error; its mounts end with the thread that it runs in."""
    outcome: list[T] = []
    errors: list[BaseException] = []

    def body() -> None:
        try:
            _unshare()
            outcome.append(function())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return outcome[0]


def _unshare() -> None:
    if _LIBC.unshare(_CLONE_FS | _CLONE_NEWNS) or _LIBC.mount(b"none", b"/", None, _MS_REC | _MS_SLAVE, None):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
