"""Following any number of container logs, without polling: the kernel says whose log has grown (inotify(7)).

The folders of the logs are watched, not the files: a folder stays the same over rotation, and is there before its log.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import inotify_simple
from inotify_simple import INotify, flags

from composer.errors import HostError
from composer.supervisor.logs import LogLine, Reader

#: The library would run ldconfig to find what is loaded already.
inotify_simple._libc = ctypes.CDLL(None, use_errno=True)

NAME = "container.log"

_ARRIVAL = flags.CREATE | flags.MOVED_TO | flags.ONLYDIR
_GROWTH = flags.MODIFY | flags.CREATE | flags.MOVED_TO | flags.DELETE | flags.ONLYDIR


class Follower:
    """New lines of logs. Wait until `fileno()` is readable (select, asyncio), then take all that `read` yields.

    With a folder (`ProjectPlaces.containers`), logs of containers that appear in it later are followed from their beginning. A container is
    called by its folder's name, its id.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._readers: dict[str, Reader] = {}
        self._watches: dict[int, str] = {}
        self._inotify: Any = inotify()
        # Listed before the watch begins: what comes in between is the caller's to find, who lists after it.
        self._known = set(os.listdir(folder)) if folder is not None else set()
        self._arrivals = self._add_watch(folder, _ARRIVAL) if folder is not None else -1

    def fileno(self) -> int:
        return int(self._inotify.fileno())

    def close(self) -> None:
        for reader in self._readers.values():
            reader.close()
        self._inotify.close()

    def follow(self, path: Path, *, tail: int | None = None, since: float | None = None) -> Iterator[LogLine]:
        """Follow a log from now on; yields what it says until now (`tail` and `since` as `logs.read` has them).

        Nothing is missing between the two and nothing doubled. Exhaust it before `read`. A container that is gone says nothing.
        """
        self.forget(path.parent.name)
        reader = self._watch(path)
        return reader.skip(tail=tail, since=since) if reader is not None else iter(())

    def forget(self, container: str) -> None:
        """Stop following; one that is not followed is fine."""
        reader = self._readers.pop(container, None)
        if reader is None:
            return
        reader.close()
        for watch in [watch for watch, name in self._watches.items() if name == container]:
            del self._watches[watch]
            with suppress(OSError):  # the folder may be gone, and the watch with it
                self._inotify.rm_watch(watch)

    def read(self) -> Iterator[tuple[str, LogLine]]:
        """All new lines with the container's id, each log's in order; never waits. Exhaust it: what it has begun is not said again."""
        stirred, gone = self._changes()
        for container in stirred:
            reader = self._readers.get(container)
            for line in reader.lines() if reader is not None else ():
                yield container, line
        for container in gone:
            self.forget(container)

    def _changes(self) -> tuple[list[str], list[str]]:
        """Whose log has something new, and whose folder was removed: those get a last look too."""
        stirred: dict[str, None] = {}
        gone: list[str] = []
        for event in self._inotify.read(timeout=0):
            if event.mask & flags.Q_OVERFLOW:
                stirred.update(dict.fromkeys([*self._missed(), *self._readers]))
            elif event.wd == self._arrivals:
                stirred.update(dict.fromkeys(self._arrived([event.name])))
            elif event.wd in self._watches:
                stirred[self._watches[event.wd]] = None
                if event.mask & flags.IGNORED:
                    gone.append(self._watches[event.wd])
        return list(stirred), gone

    def _missed(self) -> list[str]:
        """The kernel dropped events: look for arrivals ourselves."""
        return self._arrived(sorted(set(os.listdir(self._folder)) - self._known)) if self._folder is not None else []

    def _arrived(self, names: Iterable[str]) -> list[str]:
        """Begin to follow new containers; gives those that are followed."""
        for name in names:
            self._known.add(name)
            if self._folder is not None and name not in self._readers:
                self._watch(self._folder / name / NAME)
        return [name for name in names if name in self._readers]

    def _watch(self, path: Path) -> Reader | None:
        """Watch first, read after: what is written in between is found by reading, at worst announced twice."""
        try:
            watch = self._add_watch(path.parent, _GROWTH)
        except (FileNotFoundError, NotADirectoryError):
            return None
        self._watches[watch] = path.parent.name
        return self._readers.setdefault(path.parent.name, Reader(path))

    def _add_watch(self, folder: Path, mask: int) -> int:
        try:
            return int(self._inotify.add_watch(folder, mask))
        except (FileNotFoundError, NotADirectoryError):
            raise
        except OSError as refused:
            raise HostError(f"cannot watch {folder}: {refused.strerror}", hint="raise fs.inotify.max_user_watches") from refused


def inotify() -> Any:
    """An end of the kernel's to add watches to; the error says which limit is reached."""
    try:
        return INotify(nonblocking=True)
    except OSError as refused:
        raise HostError(f"cannot watch files: {refused.strerror}", hint="raise fs.inotify.max_user_instances") from refused
