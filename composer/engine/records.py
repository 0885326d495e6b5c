"""The records of a project's containers and networks: in memory for the one writer, on disk for everybody and for the next supervisor.

Each change is written before the call returns, so a record never says less than what was done.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from composer.errors import ComposerError
from composer.observed import Container, NetworkState
from composer.store import SCHEMA, ProjectPlaces, read_json, write_json


def read_containers(places: ProjectPlaces) -> tuple[Container, ...]:
    """All container records on disk, in order of their names."""
    found = []
    for folder in sorted(places.containers.glob("*/container.json")):
        value = read_json(folder)
        if value is None:
            continue
        if value.get("schema", 1) > SCHEMA:
            raise ComposerError(f"{folder}: written by a newer composer", hint="use the newer composer for this project")
        found.append(Container.from_json(value))
    return tuple(sorted(found, key=lambda one: (one.service, one.oneoff, one.number, one.name)))


def read_networks(places: ProjectPlaces) -> dict[str, NetworkState]:
    """All network records on disk, by key."""
    values = (read_json(path) for path in sorted(places.networks.glob("*.json")))
    return {state.key: state for state in (NetworkState.from_json(value) for value in values if value)}


class Records:
    """Written from worker threads and from the event loop; `on_change` is called after each change, in the changing thread."""

    def __init__(self, places: ProjectPlaces, on_change: Callable[[Container], None]) -> None:
        self._places = places
        self._lock = threading.RLock()  # of what is in memory; a file is written under its container's own lock
        self._writing: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)
        self._on_change = on_change
        self._containers = {one.id: one for one in read_containers(places)}
        self._networks = read_networks(places)

    def all(self) -> tuple[Container, ...]:
        with self._lock:
            return tuple(sorted(self._containers.values(), key=lambda one: (one.service, one.oneoff, one.number, one.name)))

    def get(self, id_: str) -> Container | None:
        with self._lock:
            return self._containers.get(id_)

    def find(self, name: str) -> Container | None:
        with self._lock:
            return next((one for one in self._containers.values() if one.name == name), None)

    def named(self, name: str) -> Container:
        """The container of that name; a plan names containers that are there."""
        found = self.find(name)
        if found is None:
            raise ComposerError(f"container {name} is not there (any more)", hint="run the command again")
        return found

    def put(self, container: Container) -> Container:
        with self._lock:
            writing = self._writing[container.id]
        with writing:
            write_json(self._places.container(container.id).record, container.to_json())
            with self._lock:
                self._containers[container.id] = container
        self._on_change(container)
        return container

    def change(self, id_: str, **fields: Any) -> Container:
        """Replace some fields of a record; one that was dropped meanwhile raises. One that says so already is not written."""
        with self._lock:
            writing = self._writing[id_]
        with writing:
            old = self.get(id_)
            if old is None:
                raise ComposerError(f"container {id_[:12]} was removed meanwhile")
            new = replace(old, **fields)
            return old if new == old else self.put(new)

    def drop(self, id_: str) -> None:
        """Forget a container whose folder is gone."""
        with self._lock:
            old = self._containers.pop(id_, None)
            self._writing.pop(id_, None)
        if old:
            self._on_change(old)

    @property
    def networks(self) -> dict[str, NetworkState]:
        with self._lock:
            return dict(self._networks)

    def put_network(self, network: NetworkState) -> None:
        with self._lock:
            write_json(self._places.networks / f"{network.key}.json", network.to_json())
            self._networks[network.key] = network

    def drop_network(self, key: str) -> None:
        with self._lock:
            self._networks.pop(key, None)
            (self._places.networks / f"{key}.json").unlink(missing_ok=True)
