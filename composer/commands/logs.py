"""`composer logs`: reads the log files themselves; follows them with inotify, without the supervisor."""

from __future__ import annotations

import heapq
import os
import select
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from composer.commands.following import Following, Said, ends
from composer.commands.ps import containers
from composer.commands.session import Session
from composer.errors import UsageError
from composer.observed import Container
from composer.store import ProjectPlaces
from composer.supervisor.logs import LogLine, read

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
