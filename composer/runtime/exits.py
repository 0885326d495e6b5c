"""A container's exit code, from the file that conmon writes at its end."""

from __future__ import annotations

import os
import select
import time
from contextlib import suppress
from pathlib import Path

from inotify_simple import INotify, flags

from composer.runtime import conmon
from composer.store import ContainerPlaces


def exit_code(place: ContainerPlaces, patience: float) -> int | None:
    """As soon as the file is there, `patience` seconds at most; None when it will not come, because conmon is gone."""
    folder = place.project.exits
    if (code := _number_in(folder / place.id)) is not None or not folder.is_dir():
        return code
    deadline = time.monotonic() + patience
    with INotify() as notify:
        notify.add_watch(str(folder), flags.MOVED_TO | flags.CLOSE_WRITE)
        # Looked at once more when conmon is gone: it writes the file before it ends.
        while (holder := conmon.holder(place)) and _number_in(folder / place.id) is None and (left := deadline - time.monotonic()) > 0:
            _wait(notify, holder.pid, left)
    return _number_in(folder / place.id)


def _number_in(file: Path) -> int | None:
    with suppress(FileNotFoundError, ValueError):
        return int(file.read_text())
    return None


def _wait(notify: INotify, pid: int, patience: float) -> None:
    """For a new file in the watched folder or the end of the process."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        poll.register(notify.fileno(), select.POLLIN)
        poll.poll(patience * 1000)
        notify.read(timeout=0)
    finally:
        os.close(descriptor)
