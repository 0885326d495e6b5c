"""Logs of a project's containers as they are written, with the names that the user knows."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from composer.engine.records import read_containers
from composer.observed import Container
from composer.plan.labels import is_hook
from composer.store import ProjectPlaces, read_json
from composer.supervisor.follow import Follower
from composer.supervisor.logs import LogLine

Said = tuple[str, str, LogLine]  # container name, service, line


class Following:
    """Containers that are there and those that come; `services` empty means all, unless `nothing` is wanted; `index` 0 means all
    containers of a service. Works without the supervisor."""

    def __init__(self, places: ProjectPlaces, services: Sequence[str], *, index: int = 0, nothing: bool = False) -> None:
        gc.enable()  # who follows may be there for days
        self._places, self._services, self._index, self._nothing = places, set(services), index, nothing
        places.containers.mkdir(parents=True, exist_ok=True, mode=0o711)
        self._follower = Follower(places.containers)
        self._known: dict[str, Container] = {}

    def begin(self, *, tail: int | None = None, since: float | None = None) -> Iterator[Said]:
        """What is there until now; exhaust it before `lines`."""
        for container in read_containers(self._places):
            self._known[container.id] = container
            said = self._follower.follow(self._places.container(container.id).log, tail=tail, since=since)
            yield from ((container.name, container.service, line) for line in said if self._wanted(container))

    def lines(self) -> Iterator[Said]:
        """What came since; never waits."""
        for id_, line in self._follower.read():
            container = self._record(id_)
            if container and self._wanted(container):
                yield container.name, container.service, line

    def want(self, services: Iterable[str]) -> None:
        """These as well."""
        if self._services:
            self._services.update(services)

    def fileno(self) -> int:
        return self._follower.fileno()

    def close(self) -> None:
        self._follower.close()

    def _wanted(self, container: Container) -> bool:
        if (container.oneoff and not is_hook(container)) or self._nothing or self._index not in (0, container.number):
            return False
        return not self._services or container.service in self._services

    def _record(self, id_: str) -> Container | None:
        """The record is written before the container is made, so before its first line."""
        if id_ not in self._known:
            value = read_json(self._places.container(id_).record)
            if value:
                self._known[id_] = Container.from_json(value)
        return self._known.get(id_)


def ends(containers: Sequence[Container]) -> list[int]:
    """A pidfd for each PID 1 that lives: readable at its end (pidfd_open(2)). The caller closes them."""
    found = []
    for one in containers:
        if one.process:
            with suppress(ProcessLookupError):
                found.append(os.pidfd_open(one.process.pid))
    return found
