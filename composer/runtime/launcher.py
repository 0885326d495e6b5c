"""A mount namespace per container, and who holds it.

A fresh thread leaves the host's mount namespace, mounts what the container needs and starts conmon, which inherits the
namespace. Then the thread ends and conmon alone keeps the mounts: with its end they are gone, nothing has to be unmounted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from threading import Thread
from typing import TypeVar

from composer.runtime import kernel

T = TypeVar("T")


def in_own_mounts(work: Callable[[], T], *, hidden: Sequence[Path] = ()) -> T:
    """Do `work` in a new mount namespace that follows the host's, without the mounts at `hidden`; its result, or its error."""
    outcome: Future[T] = Future()

    def body() -> None:
        try:
            _leave(hidden)
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)

    # Never a pool's thread: a thread cannot come back from here.
    thread = Thread(target=body, name="container mounts")
    thread.start()
    thread.join()
    return outcome.result()


def _leave(hidden: Sequence[Path]) -> None:
    # CLONE_FS first: root and working directory are shared by all threads, and a shared one cannot change namespace.
    kernel.unshare(kernel.CLONE_FS | kernel.CLONE_NEWNS)
    # Slave, not private: a private copy would miss later mounts of the host and pin removed ones.
    kernel.make_slave("/")
    for path in hidden:
        kernel.unmount(str(path))
        # What the runtime writes to the folder below ends with this namespace, instead of staying where nobody looks.
        kernel.mount_tmpfs(str(path))
