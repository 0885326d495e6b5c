"""Keeps logs below `logging.options.max-size`: a log that has grown too large is renamed, and conmon told to open a new one.

The kernel says once that a log is written to (inotify(7), IN_ONESHOT), and is asked again only after a pause: an idle
container costs nothing, a busy one a look a pause.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import inotify_simple
from inotify_simple import INotify, flags

from composer.model.service import Logging
from composer.store import ContainerPlaces

log = logging.getLogger(__name__)

#: The library would run ldconfig to find what is loaded already.
inotify_simple._libc = ctypes.CDLL(None, use_errno=True)

#: Seconds between two looks at the size of a busy log: how far it may grow beyond its limit.
PAUSE = 0.5
#: What conmon takes on its control FIFO: open the log anew.
REOPEN = b"2 0 0\n"


@dataclass(frozen=True, slots=True)
class _Log:
    place: ContainerPlaces
    most: int
    files: int


class Rotation:
    """Belongs to the event loop that is running when it is first used."""

    def __init__(self, pause: float = PAUSE) -> None:
        self._pause = pause
        self._logs: dict[str, _Log] = {}
        self._watches: dict[int, str] = {}
        self._inotify: INotify | None = None

    def follow(self, place: ContainerPlaces, rules: Logging) -> None:
        """From now until `forget`; a service without a limit, or without a log, is left alone."""
        if rules.max_size is None or rules.driver == "none" or place.id in self._logs:
            return
        if self._inotify is None:
            try:
                self._inotify = INotify(nonblocking=True)
            except OSError as refused:
                log.warning("logs are not rotated: %s (fs.inotify.max_user_instances)", refused)
                return
            asyncio.get_running_loop().add_reader(self._inotify.fileno(), self._readable)
        self._logs[place.id] = _Log(place, rules.max_size, rules.max_file)
        self._look(place.id)

    def forget(self, id_: str) -> None:
        """The container has ended; one that is not followed is fine."""
        self._logs.pop(id_, None)

    def close(self) -> None:
        if self._inotify is not None:
            asyncio.get_running_loop().remove_reader(self._inotify.fileno())
            self._inotify.close()
            self._inotify = None
        self._logs.clear()

    def _readable(self) -> None:
        assert self._inotify is not None
        for event in self._inotify.read(timeout=0):
            id_ = self._watches.pop(event.wd, None) if event.mask & flags.MODIFY else None
            if id_ in self._logs:
                asyncio.get_running_loop().call_later(self._pause, self._look, id_)

    def _look(self, id_: str) -> None:
        """Ask the kernel first, look then: nothing that is written in between is missed."""
        found = self._logs.get(id_)
        if found is None or self._inotify is None:
            return
        try:
            watch = self._inotify.add_watch(found.place.log, flags.MODIFY | flags.ONESHOT)
            self._watches[watch] = id_
            if found.place.log.stat().st_size >= found.most:
                rotate(found.place, found.files)
                asyncio.get_running_loop().call_later(self._pause, self._look, id_)
        except FileNotFoundError:  # conmon has not made the new one yet
            asyncio.get_running_loop().call_later(self._pause, self._look, id_)
        except OSError as refused:
            log.warning("the log of %s is not rotated: %s", id_[:12], refused)
            self.forget(id_)


def rotate(place: ContainerPlaces, files: int) -> None:
    """Rename the log and the `files` - 1 before it, the oldest goes; without a conmon that listens nothing is done."""
    try:
        control = os.open(place.folder / "ctl", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return
    try:
        _move_along(place.log, files)
        os.write(control, REOPEN)
    finally:
        os.close(control)


def _move_along(path: Path, files: int) -> None:
    """path -> path.1 -> path.2..., `files` in all when the new one is there."""
    names = [path, *(path.with_name(f"{path.name}.{number}") for number in range(1, files))]
    with suppress(FileNotFoundError):
        names[-1].unlink()
    for newer, older in zip(reversed(names[:-1]), reversed(names), strict=False):
        with suppress(FileNotFoundError):
            newer.rename(older)
