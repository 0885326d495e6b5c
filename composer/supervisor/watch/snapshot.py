"""What the watched trees looked like when they were last seen: tells new, changed and vanished paths by looking again.

A folder is listed only when something in it may count. A file is remembered by its name and one number, so that 50,000 of them
fit into a few megabytes.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from composer.supervisor.watch.sieve import Sieve, relative


@dataclass(slots=True)
class Snapshot:
    """`known`: folder -> name -> `mark`. `unreadable`: folders that could not be listed, with the reason."""

    sieves: Sequence[Sieve]
    known: dict[str, dict[str, int]] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)

    def tops(self) -> Iterator[str]:
        """Where to begin: the folder of each source's path, so that the path itself may come and go; the nearest that is there."""
        seen = set()
        for sieve in self.sieves:
            top = os.path.dirname(sieve.source.path)
            while not os.path.isdir(top):
                top = os.path.dirname(top)
            if top not in seen:
                seen.add(top)
                yield top

    def wants(self, folder: str) -> bool:
        """Whether anything in the folder, or below it, may count."""
        return any(sieve.enters(folder) or leads(folder, sieve.source.path) for sieve in self.sieves)

    def counts(self, path: str) -> bool:
        return any(sieve.name(path) is not None for sieve in self.sieves)

    def look(self, top: str, enter: Callable[[str], None] = lambda _folder: None) -> Iterator[tuple[str, bool]]:
        """Go through a folder and all below it: each path that is not as it was, and whether it is there. `enter` is called with each
        folder before it is listed; what it raises of OSError is the reason to leave the folder alone."""
        folders = [top]
        while folders:
            folder = folders.pop()
            before = self.known.get(folder, {})
            try:
                enter(folder)
                now = dict(self._list(folder))
            except (FileNotFoundError, NotADirectoryError):
                continue  # it went as we came
            except OSError as refused:
                self.unreadable[folder] = refused.strerror or "cannot be read"
                continue
            self.known[folder] = now
            for name in before.keys() - now.keys():
                yield from ((path, False) for path, _ in self.forget(join(folder, name)))
            for name, seen in now.items():
                path = join(folder, name)
                if is_folder(seen):
                    folders += [path] if self.wants(path) else []
                elif before.get(name) != seen:
                    yield path, True

    def forget(self, path: str) -> list[tuple[str, bool]]:
        """A path is gone with all that was below it: these, each with whether it was a folder."""
        gone = [(path, path in self.known)]
        for here, _ in gone:
            gone += [(join(here, name), is_folder(seen)) for name, seen in self.known.pop(here, {}).items()]
        return gone

    def note(self, folder: str, name: str) -> tuple[int, int]:
        """Look at one path; its mark before and now, 0 for not there."""
        names = self.known.setdefault(folder, {})
        before = names.get(name, 0)
        try:
            now = mark(os.lstat(join(folder, name)))
        except OSError:
            names.pop(name, None)
            return before, 0
        names[name] = now
        return before, now

    def _list(self, folder: str) -> Iterator[tuple[str, int]]:
        if not any(sieve.enters(folder) for sieve in self.sieves):  # on the way to a source's path: nothing else is of interest
            for name in {_next(folder, sieve.source.path) for sieve in self.sieves} - {""}:
                with suppress(FileNotFoundError):
                    yield name, mark(os.lstat(join(folder, name)))
            return
        with os.scandir(folder) as entries:
            for entry in entries:
                directory = entry.is_dir(follow_symlinks=False)
                if self.wants(entry.path) if directory else self.counts(entry.path):
                    with suppress(FileNotFoundError):  # it goes as we come: the others stay
                        yield entry.name, mark(entry.stat(follow_symlinks=False))


def join(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}"


def mark(status: os.stat_result) -> int:
    """One number that differs when a file does; of a folder it only says what it is. The lower 16 bits are its mode."""
    if stat.S_ISDIR(status.st_mode):
        return status.st_mode
    return (hash((status.st_mtime_ns, status.st_size, status.st_ino)) & 0xFFFFFFFFFFF) << 16 | status.st_mode


def is_folder(seen: int) -> bool:
    return stat.S_ISDIR(seen & 0xFFFF)


def same_mode(one: int, other: int) -> bool:
    return one & 0xFFFF == other & 0xFFFF


def leads(folder: str, path: str) -> bool:
    """Whether a path is somewhere below a folder."""
    below = relative(path, folder)
    return below is not None and below != ""


def _next(folder: str, path: str) -> str:
    """The first step from a folder to a path below it, "" when it is elsewhere."""
    return (relative(path, folder) or "").partition("/")[0]
