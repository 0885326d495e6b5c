"""`composer logs`: reads the log files themselves; follows them with inotify, without the supervisor."""

from __future__ import annotations

import heapq
import os
import select
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from composer.commands.following import Following, Said, ends
from composer.commands.ps import containers
from composer.commands.session import Session
from composer.errors import UsageError
from composer.observed import Container
from composer.store import ProjectPlaces
from composer.supervisor.logs import LogLine, blocks, read

#: Seconds that a restart policy may take to bring a container back before `logs -f` believes that it has ended.
RESTART_PATIENCE = 0.5


@dataclass(frozen=True, slots=True)
class LogRequest:
    """`since` and `until` are seconds since the epoch; `index` 0 means all containers of a service."""

    services: tuple[str, ...] = ()
    follow: bool = False
    tail: int | None = None
    since: float | None = None
    until: float | None = None
    index: int = 0

    @property
    def whole(self) -> bool:
        return (self.tail, self.since, self.until) == (None, None, None)

    def wants(self, container: Container) -> bool:
        return (not self.services or container.service in self.services) and self.index in (0, container.number)


def logs(session: Session, request: LogRequest) -> int:
    """All containers' lines in order of time; followed, until none of them runs."""
    _, places = session.identity()
    found = containers(places)
    unknown = [one for one in request.services if one not in {container.service for container in found}]
    if unknown:
        raise UsageError(f"no such service: {', '.join(unknown)}")
    chosen = [one for one in found if request.wants(one)]
    if request.index and not chosen:
        raise UsageError(f"no container with index {request.index}", hint="composer ps -a shows what is there")
    session.audience.expect(one.name for one in chosen)
    if not request.follow and request.whole:
        for container, block in whole(chosen, [blocks(places.container(one.id).log) for one in chosen]):
            session.audience.records(container.name, block)
        return 0
    if not request.follow:
        for container, line in _merged(places, chosen, request):
            session.audience.log(container.name, container.service, line)
        return 0
    return _follow(session, places, request)


def _merged(places: ProjectPlaces, chosen: list[Container], request: LogRequest) -> Iterator[tuple[Container, LogLine]]:
    """Lines of several logs in order of time, each log in its own order."""

    def stamped(container: Container) -> Iterator[tuple[float, str, Container, LogLine]]:
        latest = 0.0
        for line in read(places.container(container.id).log, tail=request.tail, since=request.since, until=request.until):
            latest = max(latest, line.at)
            yield latest, container.id, container, line

    merged = heapq.merge(*(stamped(one) for one in chosen), key=lambda item: item[:2])
    return ((container, line) for _, _, container, line in merged)


def whole(chosen: Sequence[Container], logs: Sequence[Iterator[bytes]]) -> Iterator[tuple[Container, bytes]]:
    """All records of several logs in order of time, as many of one log at once as come before all others'."""
    waiting = [(_Read(number, log)) for number, log in enumerate(logs)]
    queue = [(one.stamp, one.number) for one in waiting if one.fill()]
    heapq.heapify(queue)
    while queue:
        _, number = heapq.heappop(queue)
        one = waiting[number]
        yield chosen[number], one.take(queue[0][0] if queue else None)
        if one.fill():
            heapq.heappush(queue, (one.stamp, number))


@dataclass(slots=True)
class _Read:
    """One log on its way: the records that were read and not taken. The order of times is that of their texts: one machine, one clock."""

    number: int
    log: Iterator[bytes]
    records: list[bytes] = field(default_factory=list)
    place: int = 0

    @property
    def stamp(self) -> bytes:
        return self.records[self.place].partition(b" ")[0]

    def fill(self) -> bool:
        """Whether there is a record."""
        while self.place == len(self.records):
            block = next(self.log, None)
            if block is None:
                return False
            self.records, self.place = block.splitlines(keepends=True), 0
        return True

    def take(self, limit: bytes | None) -> bytes:
        """At least one record, and all that is here and no later than `limit`."""
        first, end = self.place, len(self.records)
        if limit is not None:
            end = max(first + 1, bisect_left(self.records, limit + b"!", first))  # "!" comes after the blank behind a time
        self.place = end
        return b"".join(self.records[first:end])


def _follow(session: Session, places: ProjectPlaces, request: LogRequest) -> int:
    following = Following(places, request.services, index=request.index)
    try:
        _show(session, following.begin(tail=request.tail, since=request.since), request.until)
        while (alive := _alive(places, request)) and _left(request.until) != 0:
            _until_next_end(session, following, ends(alive), request.until)
        _show(session, following.lines(), request.until)
    finally:
        following.close()
    return 0


def _show(session: Session, said: Iterable[Said], until: float | None) -> None:
    for name, service, line in said:
        if until is None or line.at <= until:
            session.audience.log(name, service, line)


def _left(until: float | None) -> float | None:
    """Seconds until then; None for no end."""
    return None if until is None else max(0.0, until - time.time())


def _alive(places: ProjectPlaces, request: LogRequest) -> list[Container]:
    return [one for one in containers(places) if one.status in ("running", "paused") and request.wants(one)]


def _until_next_end(session: Session, following: Following, descriptors: list[int], until: float | None) -> None:
    """Show lines until a container ends; what its supervisor makes of that is in the records a moment later."""
    try:
        ended = False
        while not ended:
            waiting: list[Any] = [following, *descriptors]
            ready, _, _ = select.select(waiting, [], [], _left(until))
            _show(session, following.lines(), until)
            ended = any(one in ready for one in descriptors)
            if not ready:
                return
        select.select([], [], [], RESTART_PATIENCE)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
