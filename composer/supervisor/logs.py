"""Container logs as conmon writes them (k8s-file): `2026-01-01T00:00:00.000000000+00:00 stdout F text`, P for a part of a line.

A log is a chain of files: the one that is written, then path.1, path.2... from newer to older. Rotating renames them along; conmon goes on
in the renamed file until it has put a new one in its place. The command line reads logs without the supervisor: no import here that costs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from io import BufferedReader
from pathlib import Path

BLOCK = 1 << 16
PIECE = 1 << 20  # bytes of a large log at a time
ENDING = 1 << 14  # bytes: the last record, whose text has 8 KiB at most, is among them

Identity = tuple[int, int]  # of a file, whatever its name: device and inode


@dataclass(frozen=True, slots=True)
class LogLine:
    """One record. `text` has no newline; `partial`: the line goes on in the next record of the same stream. `at` is in seconds since
    the epoch, 0 for a record that a full disk has cut (its text is all that is left of it)."""

    at: float
    stream: str
    text: str
    partial: bool = False


def parse(raw: bytes) -> LogLine:
    """One record, without its newline; undecodable bytes are replaced."""
    text = raw.decode(errors="replace")
    stamp, _, rest = text.partition(" ")
    stream, _, rest = rest.partition(" ")
    tag, _, said = rest.partition(" ")
    with suppress(ValueError):
        if tag in ("F", "P"):
            return LogLine(datetime.fromisoformat(stamp).timestamp(), stream, said, tag == "P")
    return LogLine(0.0, "stdout", text)


def read(path: Path, *, tail: int | None = None, since: float | None = None, until: float | None = None) -> Iterator[LogLine]:
    """The log's lines in order, rotated files first; the last `tail` of those in the time asked for. A log that is not there has none.

    `since` and `until` are seconds since the epoch, both inclusive. What is written after the first line was asked for is not in it.
    """
    yield from _selected(_open(path), tail, since, until)


def blocks(path: Path) -> Iterator[bytes]:
    """The log as it stands in its files, in pieces of whole records: for who wants all of a large one."""
    parts = _open(path)
    try:
        for part in parts:
            yield from _in_pieces(part)
    finally:
        _close(parts)


@dataclass(frozen=True, slots=True)
class _Part:
    """One file of the chain, of which the first `end` bytes count: whole records."""

    file: BufferedReader
    end: int

    @property
    def descriptor(self) -> int:
        return self.file.fileno()

    @property
    def identity(self) -> Identity:
        return _identity(self.descriptor)


def _open(path: Path) -> list[_Part]:
    """The chain, older files first. Names move while it is opened when somebody rotates: it is what stands still meanwhile."""
    while True:
        parts: list[_Part] = []
        for name, _ in _chain(path):
            with suppress(FileNotFoundError):
                file = open(name, "rb")  # noqa: SIM115
                parts.append(_Part(file, _whole(file.fileno())))
        opened = [part.identity for part in parts]
        if opened == [identity for _, identity in _chain(path)]:
            return parts
        _close(parts)


def _chain(path: Path) -> list[tuple[Path, Identity]]:
    """Names and identities, older files first. Numbers may be missing while files move along, or where a rotation was cut short."""
    numbered: list[tuple[int, Path, Identity]] = []
    with suppress(FileNotFoundError):
        for name in os.listdir(path.parent):
            stem, _, number = name.rpartition(".")
            if name == path.name or (stem == path.name and number.isdecimal()):
                with suppress(FileNotFoundError):
                    status = os.stat(path.with_name(name))
                    numbered.append((0 if name == path.name else int(number), path.with_name(name), (status.st_dev, status.st_ino)))
    return [(name, identity) for _, name, identity in sorted(numbered, reverse=True)]


def rotated(path: Path) -> list[Path]:
    """path.1, path.2... as far as they are there, newer files first."""
    return [name for name, _ in reversed(_chain(path)) if name != path]


def _close(parts: list[_Part]) -> None:
    for part in parts:
        part.file.close()


def _identity(descriptor: int) -> Identity:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


def _ends_alike(descriptor: int, part: _Part) -> bool:
    """Whether `part` is what trimming has left of the file. Records have times: the last ones are of one file only."""
    size = min(ENDING, part.end, end := _whole(descriptor)) if descriptor >= 0 else 0
    return size > 0 and os.pread(descriptor, size, end - size) == os.pread(part.descriptor, size, part.end - size)


def _whole(descriptor: int) -> int:
    """Where the last whole record ends."""
    position = os.fstat(descriptor).st_size
    while position:
        start = max(0, position - BLOCK)
        found = os.pread(descriptor, position - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        position = start
    return 0


def _selected(parts: list[_Part], tail: int | None, since: float | None, until: float | None) -> Iterator[LogLine]:
    """The lines asked for; closes the files."""
    try:
        if tail is not None:
            yield from _last(parts, tail, since, until)
            return
        for part in parts:
            # A whole file is passed over; its time comes from a coarser clock than the records'.
            if since is None or os.fstat(part.descriptor).st_mtime >= since - 1:
                yield from (line for line in map(parse, _forwards(part)) if _within(line, since, until))
    finally:
        _close(parts)


def _within(line: LogLine, since: float | None, until: float | None) -> bool:
    return (since is None or line.at >= since) and (until is None or line.at <= until)


def _forwards(part: _Part) -> Iterator[bytes]:
    left = part.end
    while left > 0 and (record := part.file.readline()):
        left -= len(record)
        yield record[:-1]


def _in_pieces(part: _Part) -> Iterator[bytes]:
    left = part.end
    while left > 0 and (piece := part.file.read(min(PIECE, left))):
        piece += b"" if piece.endswith(b"\n") else part.file.readline()
        left -= len(piece)
        yield piece


def _last(parts: list[_Part], tail: int, since: float | None, until: float | None) -> Iterator[LogLine]:
    """The last lines, read from the end; the parts of a line count as one with its end."""
    kept: list[LogLine] = []
    wanted = tail
    for line in (parse(record) for part in reversed(parts) for record in _backwards(part)):
        if since is not None and 0 < line.at < since:
            break
        if not _within(line, since, until):
            continue
        if not line.partial or not kept:
            wanted -= 1
        if wanted < 0:
            break
        kept.append(line)
    return reversed(kept)


def _backwards(part: _Part) -> Iterator[bytes]:
    """The records from the last to the first."""
    position, rest = part.end, b""
    while position:
        start = max(0, position - BLOCK)
        block = os.pread(part.descriptor, position - start, start) + rest
        first, *records = block.split(b"\n")
        # Behind the file's last newline there is nothing; elsewhere the last piece is a record whose newline was split off before.
        yield from reversed(records[:-1] if position == part.end else records)
        position, rest = start, first
    if part.end:
        yield rest


class Reader:
    """Reads a growing log to its present end, each whole record once, over rotations."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1
        self._position = 0
        self._later: list[int] = []  # opened files that follow the present one
        self._begun = b""  # of a record whose end has not been written yet

    def skip(self, *, tail: int | None = None, since: float | None = None) -> Iterator[LogLine]:
        """What the log says until now, as `read` has it; `lines` goes on exactly behind it. Exhaust it: files are open until then."""
        parts = _open(self._path)
        if parts:
            self._descriptor, self._position = os.dup(parts[-1].descriptor), parts[-1].end
        said = _selected(parts, tail, since, None)
        return said if tail != 0 else iter(list(said))

    def lines(self) -> Iterator[LogLine]:
        """All that is there by now and was not yielded before; exhaust it."""
        # Another file has taken the name only after the present one is final, so look for it before reading on.
        self._later += self._successors()
        yield from self._rest()
        while self._later:
            self._turn_to(self._later.pop(0))
            yield from self._rest()
        self._let_go()

    def close(self) -> None:
        for descriptor in (self._descriptor, *self._later):
            if descriptor >= 0:
                os.close(descriptor)
        self._descriptor, self._later = -1, []

    def _let_go(self) -> None:
        """Close a file that is removed with all of its chain: open, it would keep the folder from going, and inotify from telling."""
        if self._descriptor >= 0 and not os.fstat(self._descriptor).st_nlink and not _chain(self._path):
            self.close()

    def _turn_to(self, descriptor: int) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor, self._position, self._begun = descriptor, 0, b""

    def _successors(self) -> list[int]:
        """The files after the present one, older first: all of the chain when there is none, or it has been removed since."""
        newest = self._later[-1] if self._later else self._descriptor
        present = _identity(newest) if newest >= 0 else None
        if present is not None:
            try:
                status = os.stat(self._path)
            except FileNotFoundError:
                return []  # renamed and not reopened yet
            if present == (status.st_dev, status.st_ino):
                return []
        parts = _open(self._path)
        first = next((at + 1 for at, part in enumerate(parts) if present == part.identity or _ends_alike(newest, part)), 0)
        fresh = [os.dup(part.descriptor) for part in parts[first:]]
        _close(parts)
        return fresh

    def _rest(self) -> Iterator[LogLine]:
        """What the present file has behind our place, up to its size now, so that a fast writer does not keep us here."""
        if self._descriptor < 0:
            return
        size = os.fstat(self._descriptor).st_size
        if size < self._position:  # somebody emptied it
            self._position, self._begun = 0, b""
        while self._position < size and (block := os.pread(self._descriptor, min(BLOCK, size - self._position), self._position)):
            self._position += len(block)
            *whole, self._begun = (self._begun + block).split(b"\n")
            yield from map(parse, whole)
