"""`composer logs`: reads the log files themselves; follows them with inotify, without the supervisor."""

from __future__ import annotations

import heapq
import os
import select
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from composer.commands.following import Following, ends
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
    services: tuple[str, ...] = ()
    follow: bool = False
    tail: int | None = None


def logs(session: Session, request: LogRequest) -> int:
    """All containers' lines in order of time; followed, until none of them runs."""
    _, places = session.identity()
    found = containers(places)
    unknown = [one for one in request.services if one not in {container.service for container in found}]
    if unknown:
        raise UsageError(f"no such service: {', '.join(unknown)}")
    chosen = [one for one in found if not request.services or one.service in request.services]
    session.audience.expect(one.name for one in chosen)
    if not request.follow:
        for container, line in _merged(places, chosen, request.tail):
            session.audience.log(container.name, container.service, line)
        return 0
    return _follow(session, places, request)


def _merged(places: ProjectPlaces, chosen: list[Container], tail: int | None) -> Iterator[tuple[Container, LogLine]]:
    """Lines of several logs in order of time, each log in its own order."""

    def stamped(container: Container) -> Iterator[tuple[float, str, Container, LogLine]]:
        latest = 0.0
        for line in read(places.container(container.id).log, tail=tail):
            latest = max(latest, line.at)
            yield latest, container.id, container, line

    merged = heapq.merge(*(stamped(one) for one in chosen), key=lambda item: item[:2])
    return ((container, line) for _, _, container, line in merged)


def _follow(session: Session, places: ProjectPlaces, request: LogRequest) -> int:
    following = Following(places, request.services)
    try:
        for name, service, line in following.begin(tail=request.tail):
            session.audience.log(name, service, line)
        while alive := _alive(places, request.services):
            _until_next_end(session, following, ends(alive))
        for name, service, line in following.lines():
            session.audience.log(name, service, line)
    finally:
        following.close()
    return 0


def _alive(places: ProjectPlaces, services: tuple[str, ...]) -> list[Container]:
    return [one for one in containers(places) if one.status in ("running", "paused") and (not services or one.service in services)]


def _until_next_end(session: Session, following: Following, descriptors: list[int]) -> None:
    """Show lines until a container ends; what its supervisor makes of that is in the records a moment later."""
    try:
        ended = False
        while not ended:
            waiting: list[Any] = [following, *descriptors]
            ready, _, _ = select.select(waiting, [], [])
            for name, service, line in following.lines():
                session.audience.log(name, service, line)
            ended = any(one in ready for one in descriptors)
        select.select([], [], [], RESTART_PATIENCE)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
