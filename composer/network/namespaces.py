"""Network namespaces: made, pinned by a bind mount, and entered by threads that are made for that and end after it.

A thread that has entered one is never used again for anything else; what it opens there (sockets) stays there.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from composer.errors import NetworkError

T = TypeVar("T")

CLONE_NEWNET = 0x40000000
MS_BIND = 4096
MNT_DETACH = 2

_libc = ctypes.CDLL(None, use_errno=True)


def apart(work: Callable[[], T], *, netns: int | None = None) -> T:
    """What `work` returns or raises, run in a thread of its own, in the network namespace open at `netns` if given."""
    outcome: list[T] = []
    failure: list[BaseException] = []

    def body() -> None:
        try:
            if netns is not None:
                enter(netns)
            outcome.append(work())
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=body, name="netns")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]


def enter(netns: int) -> None:
    """The calling thread, which has to be `apart`'s, goes to the namespace open at `netns` and stays there."""
    _call("setns", netns, CLONE_NEWNET)


@contextmanager
def opened(path: Path | str) -> Iterator[int]:
    """A descriptor of a namespace's file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise NetworkError(f"network namespace {path}: {error.strerror}") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class Namespace:
    """The project's namespace, pinned at `path` in the mount namespace of the caller."""

    path: Path

    def exists(self) -> bool:
        """Whether a live namespace is mounted there: an empty file, as a reboot or a crash leaves it, is none."""
        try:
            return self.path.stat().st_dev == os.stat("/proc/self/ns/net").st_dev
        except FileNotFoundError:
            return False

    def make(self) -> None:
        """Make and pin it; one that is there stays."""
        if self.exists():
            return
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o711)
        self.path.touch(mode=0o600)
        apart(self._unshare_and_pin)

    def _unshare_and_pin(self) -> None:
        _call("unshare", CLONE_NEWNET)
        _call("mount", b"/proc/thread-self/ns/net", os.fsencode(self.path), None, MS_BIND, None)

    def remove(self) -> None:
        """Take the pin away; a copy of it in another mount namespace keeps the namespace alive."""
        while self.exists():
            _call("umount2", os.fsencode(self.path), MNT_DETACH)
        self.path.unlink(missing_ok=True)

    def run(self, work: Callable[[], T]) -> T:
        """What `work` returns, run inside."""
        if not self.exists():
            raise NetworkError(f"the project's network namespace {self.path} is not there", hint="run `composer up`")
        with opened(self.path) as netns:
            return apart(work, netns=netns)


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        code = ctypes.get_errno()
        hint = "composer needs root" if os.geteuid() else ""
        raise NetworkError(f"network namespace: {name}: {os.strerror(code)}", hint=hint)
