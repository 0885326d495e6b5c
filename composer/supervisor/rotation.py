"""Keeps logs below `logging.options.max-size`: a log that has grown too large is renamed, and conmon told to open a new one.

The kernel says once that a log is written to (inotify(7), IN_ONESHOT), and is asked again only after a pause: an idle
container costs nothing, a busy one a look a pause. What a burst has written meanwhile is trimmed afterwards (`trimming`).
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import inotify_simple
from inotify_simple import INotify, flags

from composer.model.service import Logging
from composer.store import ContainerPlaces
from composer.supervisor.trimming import trim

log = logging.getLogger(__name__)

#: The library would run ldconfig to find what is loaded already.
inotify_simple._libc = ctypes.CDLL(None, use_errno=True)

#: Bytes a second that a log is taken to grow at most, and the seconds that pass between two looks at the size of one that grows.
FASTEST, SHORTEST, LONGEST = 200e6, 0.02, 0.5
#: What conmon takes on its control FIFO: open the log anew.
REOPEN = b"2 0 0\n"
#: How often it is looked whether conmon has done so.
TRIES = 50


@dataclass(frozen=True, slots=True)
class _Log:
    place: ContainerPlaces
    most: int
    files: int
    moving: threading.Lock = field(default_factory=threading.Lock)  # of its files' names


class Rotation:
    """Belongs to the event loop that is running when it is first used."""

    def __init__(self) -> None:
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

    def ended(self, id_: str) -> None:
        """Nobody writes to the log until the container starts again, and what has come since the last look is trimmed."""
        found = self._logs.pop(id_, None)
        if found is None:
            return
        try:
            with found.moving:
                _put_by(found)
        except OSError as refused:
            log.warning("the log of %s is not trimmed: %s", id_[:12], refused)
        asyncio.get_running_loop().run_in_executor(None, _trim, found)

    def forget(self, id_: str) -> None:
        """The container is removed; one that is not followed is fine."""
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
                self._look_later(id_)

    def _look_later(self, id_: str) -> None:
        """Before it can have grown far beyond its limit."""
        found = self._logs[id_]
        try:
            room = found.most - found.place.log.stat().st_size
        except OSError:
            room = 0
        asyncio.get_running_loop().call_later(min(max(room / FASTEST, SHORTEST), LONGEST), self._look, id_)

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
                asyncio.get_running_loop().create_task(self._tidy(found))
        except FileNotFoundError:  # conmon has not made the new one yet
            self._look_later(id_)
        except OSError as refused:
            log.warning("the log of %s is not rotated: %s", id_[:12], refused)
            self.forget(id_)

    async def _tidy(self, found: _Log) -> None:
        """Trim what was put by as soon as conmon writes elsewhere, and look again."""
        for _ in range(TRIES):
            await asyncio.sleep(SHORTEST)
            if self._logs.get(found.place.id) is not found:
                return
            if found.place.log.exists():
                await asyncio.to_thread(_trim, found)
                break
        if self._logs.get(found.place.id) is found:
            self._look(found.place.id)


def _trim(found: _Log) -> None:
    """To what all of them may have, the one that is written included."""
    try:
        with found.moving:
            trim(found.place.log, found.most * (found.files - found.place.log.exists()))
    except OSError as refused:
        log.warning("old logs of %s are not trimmed: %s", found.place.id[:12], refused)


def _put_by(found: _Log) -> None:
    """A log that has grown too large in the meantime, as one that is final: the next life begins a new one."""
    with suppress(FileNotFoundError):
        if found.place.log.stat().st_size > found.most:
            _move_along(found.place.log, max(found.files, 2))


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
