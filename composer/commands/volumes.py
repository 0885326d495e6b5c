"""`composer volumes`: the project's volumes, from their records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from composer.commands.find import present
from composer.commands.ps import containers
from composer.commands.session import Session
from composer.observed import Container, VolumeState
from composer.storage.volumes import find, folder_of, list_volumes
from composer.store import ProjectPlaces, read_json


@dataclass(frozen=True, slots=True)
class ListedVolume:
    state: VolumeState
    mountpoint: Path


def volumes(session: Session, services: tuple[str, ...]) -> list[ListedVolume]:
    """All of the project, or those that the services' containers mount."""
    _, places = session.identity()
    states = list_volumes(places)
    used = {name for one in present(places, services) for name in _used(places, one)} if services else set(states)
    return [ListedVolume(state, folder_of(places, name)) for name, state in sorted(states.items()) if name in used]


def used_volumes(places: ProjectPlaces) -> Iterator[tuple[str, Path]]:
    """(container, folder of a volume that it mounts), of all containers of a project."""
    for one in containers(places):
        for name in _used(places, one):
            own = places.volumes / name
            folder = own if own.is_dir() else find(places.top, name)
            if folder:
                yield one.name, folder


def _used(places: ProjectPlaces, container: Container) -> Iterator[str]:
    yield from (name for _, name in container.anonymous)
    made = read_json(places.container(container.id).service) or {}
    for mount in made.get("service", {}).get("volumes", ()):
        definition = made.get("volumes", {}).get(mount["source"])
        if mount["type"] == "volume" and definition:
            yield definition["name"]
