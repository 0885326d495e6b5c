"""What changes in the watched trees, told by the kernel (inotify(7)): one watch a folder that something may count in, none for the others.

Not watchfiles: it enters every folder, also those that are ignored, and looks at its own queue a hundred times a second.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from inotify_simple import flags

from composer.errors import HostError
from composer.supervisor.follow import inotify
from composer.supervisor.watch.batching import GONE, OPEN, Pending
from composer.supervisor.watch.sieve import Sieve, Source
from composer.supervisor.watch.snapshot import Snapshot, join, leads, same_mode

_MASK = (
    flags.CREATE | flags.DELETE | flags.MOVED_FROM | flags.MOVED_TO | flags.MODIFY | flags.CLOSE_WRITE | flags.ATTRIB
    | flags.ONLYDIR | flags.DONT_FOLLOW | flags.EXCL_UNLINK
)  # fmt: skip
_VANISHED = flags.DELETE | flags.MOVED_FROM
_ARRIVED = flags.CREATE | flags.MOVED_TO
_COMPLETE = flags.CLOSE_WRITE | flags.MOVED_TO


class Tree:
    """Changes go to `pending`. Wait until `fileno()` is readable, then `read`; without the kernel's help (`polling`: it does not know
    what another machine does to a remote file system) call `look_again` every now and then."""

    def __init__(self, sources: Sequence[Source], pending: Pending, *, polling: bool = False) -> None:
        self.sieves = [Sieve(source) for source in sources]
        self.snapshot = Snapshot(self.sieves)
        self.pending = pending
        self._inotify: Any = None if polling else inotify()
        self._watches: dict[str, int] = {}
        self._folders: dict[int, str] = {}

    def fileno(self) -> int:
        return int(self._inotify.fileno())

    def close(self) -> None:
        if self._inotify is not None:
            self._inotify.close()

    def begin(self, now: float) -> None:
        """See what is there; sources that want it get all of it."""
        initial = [sieve for sieve in self.sieves if sieve.source.initial]
        for top in self.snapshot.tops():
            for path, _ in self.snapshot.look(top, self._enter):
                self._tell(path, now, sieves=initial)

    def read(self, now: float) -> None:
        """All that the kernel has to say; never waits."""
        for event in self._inotify.read(timeout=0):
            folder = self._folders.get(event.wd)
            if event.mask & flags.Q_OVERFLOW:
                self.look_again(now)
            elif folder is None:
                continue
            elif event.mask & flags.IGNORED:
                self._lost(folder, now)
            elif event.name:
                self._heard(event, folder, now)

    def look_again(self, now: float) -> None:
        """Compare everything with what was seen last: the kernel dropped events, or does not know them."""
        for top in self.snapshot.tops():
            for path, there in self.snapshot.look(top, self._enter):
                self._tell(path, now, wait=0.0 if there else GONE)

    def _heard(self, event: Any, folder: str, now: float) -> None:
        path = join(folder, event.name)
        if event.mask & _VANISHED:
            self.snapshot.note(folder, event.name)
            for gone in self._forget(path):
                self._tell(gone, now, wait=GONE)
        elif event.mask & flags.ISDIR:
            if event.mask & _ARRIVED and self.snapshot.wants(path):
                self.snapshot.note(folder, event.name)
                for found, _ in self.snapshot.look(path, self._enter):
                    self._tell(found, now, wait=GONE)  # what is still being written says so by then
        elif self.snapshot.counts(path):
            before, seen = self.snapshot.note(folder, event.name)
            if not (event.mask & flags.ATTRIB and same_mode(before, seen)):
                self._tell(path, now, wait=0.0 if event.mask & _COMPLETE or _needs_no_close(path) else OPEN)

    def _lost(self, folder: str, now: float) -> None:
        """The kernel watches a folder no more. If it led to a source's path, that has to be waited for further up."""
        self._forget(folder)
        if any(leads(folder, sieve.source.path) for sieve in self.sieves):
            self.look_again(now)

    def _tell(self, path: str, now: float, *, wait: float = 0.0, sieves: Sequence[Sieve] | None = None) -> None:
        for sieve in self.sieves if sieves is None else sieves:
            name = sieve.name(path)
            if name is not None:
                self.pending.add(sieve.source.id, name, now, wait=wait)

    def _enter(self, folder: str) -> None:
        """Watch first, list after: what comes in between is found by one of them, or both."""
        if self._inotify is None:
            return
        try:
            watch = int(self._inotify.add_watch(folder, _MASK))
        except OSError as refused:
            if refused.errno == errno.ENOSPC:
                hint = "raise fs.inotify.max_user_watches, or ignore more"
                raise HostError(f"cannot watch {folder}: too many folders are watched", hint=hint) from refused
            raise
        before = self._watches.get(folder)
        if before != watch:
            self._folders.pop(before or 0, None)
            self._watches[folder] = watch
            self._folders[watch] = folder

    def _forget(self, path: str) -> list[str]:
        """All that was at a path and below it. A folder that was moved would keep its watch, under a name that it has no more."""
        gone = self.snapshot.forget(path)
        for folder in [path, *(one for one, is_folder in gone if is_folder)]:
            watch = self._watches.pop(folder, None)
            if watch is not None:
                del self._folders[watch]
                with suppress(OSError):
                    self._inotify.rm_watch(watch)
        return [one for one, _ in gone]


def _needs_no_close(path: str) -> bool:
    """A symbolic link, and another name of a file that is there, come whole."""
    with suppress(OSError):
        status = os.lstat(path)
        return not stat.S_ISREG(status.st_mode) or status.st_nlink > 1
    return False
