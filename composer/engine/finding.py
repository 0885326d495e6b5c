"""A container by its name, of this project or any other on the machine: `container:NAME` in compose files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from composer.engine.records import read_containers
from composer.engine.scene import Scene
from composer.errors import ContainerError
from composer.model.blueprint import Blueprint
from composer.observed import Container
from composer.store import ProjectPlaces, read_json


@dataclass(frozen=True, slots=True)
class Found:
    """A container, and the project that it is one of."""

    places: ProjectPlaces
    container: Container

    @property
    def blueprint(self) -> Blueprint:
        return Blueprint.model_validate(read_json(self.places.container(self.container.id).service))

    @property
    def files(self) -> Path:
        """Its hosts, hostname and resolv.conf."""
        return self.places.container(self.container.id).files


def find_container(scene: Scene, name: str) -> Found | None:
    """By name or id; the project's own comes first. ContainerError when several other projects have one of that name."""
    own = [Found(scene.places, one) for one in scene.records.all() if _is(one, name)]
    others = (places for places in scene.places.top.projects() if places.hash != scene.places.hash)
    found = own or [Found(places, one) for places in others for one in read_containers(places) if _is(one, name)]
    if len(found) > 1:
        folders = " and ".join(str((read_json(one.places.project_file) or {}).get("working_dir")) for one in found)
        raise ContainerError(f"container {name}: there are several of that name, of the projects in {folders}", hint="name it by its id")
    return found[0] if found else None


def _is(container: Container, name: str) -> bool:
    return container.name == name or (len(name) >= 12 and container.id.startswith(name))
