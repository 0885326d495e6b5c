"""What the kernel tells of a container that is about to be ready: a change on the way to a path in it, a line in its log (inotify(7))."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Protocol

from inotify_simple import INotify, flags

from composer.errors import StorageError
from composer.observed import Container
from composer.store import ContainerPlaces
from composer.supervisor.follow import Follower
from composer.supervisor.logs import LogLine
from composer.supervisor.matching import TooSlow, search

#: A line is looked at as far as this.
LONGEST_LINE = 1 << 16

_CHANGE = flags.CREATE | flags.MOVED_TO | flags.ATTRIB | flags.ONLYDIR

OpenInside = Callable[[str], int | None]


class Sight(Protocol):
    def fileno(self) -> int:
        """Readable when something has happened."""

    async def renew(self) -> None:
        """Take what has happened as known, and watch what is there now."""

    def close(self) -> None: ...


class PathSight:
    """The folders on the way to a path, as far as they are there."""

    def __init__(self, path: str, open_inside: OpenInside) -> None:
        self._folders = [str(folder) for folder in reversed(PurePosixPath(path).parents)]
        self._open, self._inotify = open_inside, INotify(nonblocking=True)

    def fileno(self) -> int:
        return int(self._inotify.fileno())

    async def renew(self) -> None:
        await asyncio.to_thread(self._renew)

    def _renew(self) -> None:
        list(self._inotify.read(timeout=0))
        for folder in self._folders:
            found = self._open(folder)
            if found is None:
                return
            try:
                with suppress(OSError):  # no folder, or gone
                    self._inotify.add_watch(f"/proc/self/fd/{found}", _CHANGE)
            finally:
                os.close(found)

    def close(self) -> None:
        self._inotify.close()


class LogSight:
    """The first line since a container's start that matches. `too_slow`: the expression was given up; then no line ever will."""

    def __init__(self, container: Container, place: ContainerPlaces, pattern: str) -> None:
        self._pattern = re.compile(pattern)
        self._follower = Follower()
        self._begun: dict[str, str] = {}  # by stream: the parts of a line that has not ended
        self._found: str | None = None
        self.too_slow = False
        self._look(self._follower.follow(place.log, since=container.started_at))

    def fileno(self) -> int:
        return self._follower.fileno()

    async def renew(self) -> None:
        self._read()

    def _read(self) -> None:
        self._look(line for _, line in self._follower.read())

    def find(self) -> str | None:
        """The line, once it is there."""
        self._read()
        return self._found

    def close(self) -> None:
        self._follower.close()

    def _look(self, lines: Iterator[LogLine]) -> None:
        for line in lines:
            text = (self._begun.pop(line.stream, "") + line.text)[:LONGEST_LINE]
            if self._found is None and not self.too_slow and self._matches(text):
                self._found = text
            if line.partial:
                self._begun[line.stream] = text

    def _matches(self, text: str) -> bool:
        try:
            return search(self._pattern, text)
        except TooSlow:
            self.too_slow = True
            return False


def open_sight(path: str, open_inside: OpenInside) -> PathSight | None:
    """None when the kernel lets us watch nothing more (fs.inotify.max_user_instances): the clock has to do."""
    try:
        return PathSight(path, open_inside)
    except (OSError, StorageError):
        return None


async def stirred(sight: Sight | None, timeout: float) -> bool:
    """Wait until there is something to see, `timeout` seconds at most; whether there is."""
    if sight is None:
        await asyncio.sleep(timeout)
        return False
    loop = asyncio.get_running_loop()
    seen = asyncio.Event()
    loop.add_reader(sight.fileno(), seen.set)
    try:
        await asyncio.wait_for(seen.wait(), timeout)
        return True
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(sight.fileno())
