"""The running containers of other projects on shared networks, read from their records: a file is read again when it is another one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from composer.observed import Container, Endpoint, Process
from composer.store import ProjectPlaces, read_json
from composer.supervisor.zone import Wanted

_Stamp = tuple[int, int, int]
#: Files that are remembered.
MOST = 4096


@dataclass(slots=True)
class Neighbours:
    """`alive`: whether it is still this very process; a record may be older than its container's end."""

    places: ProjectPlaces
    alive: Callable[[Process], bool]
    _read: dict[str, tuple[_Stamp, Any]] = field(default_factory=dict)

    def __call__(self, network: str, wanted: Wanted) -> Iterator[tuple[Container, Endpoint]]:
        """Those on the network of that full name that are `wanted`, each with its end there. Only of these is asked whether they live,
        which costs more than all the rest."""
        with suppress(FileNotFoundError), os.scandir(self.places.top.network(network).members) as marks:
            for mark in marks:
                if mark.name != self.places.hash and (value := self._file(mark.path, dict)):
                    for one, end in self._of(self.places.top.project(mark.name), value["key"]):
                        if wanted(one, end) and one.process and self.alive(one.process):
                            yield one, end

    def _of(self, project: ProjectPlaces, key: str) -> Iterator[tuple[Container, Endpoint]]:
        with suppress(FileNotFoundError), os.scandir(project.containers) as folders:
            for folder in folders:
                one = self._file(f"{folder.path}/container.json", Container.from_json)
                if one and one.status in ("running", "paused"):
                    yield from ((one, end) for end in one.endpoints if end.network == key)

    def _file(self, path: str, parse: Callable[[dict[str, Any]], Any]) -> Any:
        """What is in a file, parsed; None when it is gone."""
        try:
            status = os.stat(path)
        except FileNotFoundError:
            self._read.pop(path, None)
            return None
        stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
        known = self._read.get(path)
        if known is None or known[0] != stamp:
            if len(self._read) > MOST:
                self._read.clear()  # most of them are of containers that are gone
            value = read_json(Path(path))
            known = self._read[path] = (stamp, parse(value) if value else None)
        return known[1]
