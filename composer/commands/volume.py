"""`composer volume`: the volumes of this machine, and those that belong to no project."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from composer.commands.volumes import used_volumes
from composer.errors import AbsentError, ComposerError, UsageError
from composer.observed import VolumeState
from composer.storage import local
from composer.storage import volumes as storage
from composer.store import Places, read_json, remove_tree


@dataclass(frozen=True, slots=True)
class VolumeRequest:
    """`name` "" asks for one by chance."""

    name: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    driver_opts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredVolume:
    """`users`: names of the containers that mount it, running or not."""

    state: VolumeState
    folder: Path
    users: tuple[str, ...] = ()

    @property
    def created_at(self) -> float:
        """Seconds since the epoch."""
        return (self.folder / "_data").stat().st_mtime if not self.state.created_at else self.state.created_at


def create(places: Places, request: VolumeRequest) -> str:
    """Make a volume that projects can name as external; one that is there stays as it is, as with Docker. Its name."""
    name = request.name or secrets.token_hex(32)
    if not storage.NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no volume name", hint="letters, digits, _ . - are, beginning with a letter or digit")
    local.parse(f"volume {name}", request.driver_opts)
    places.make()
    folder = storage.find(places, name)
    if folder is None:
        storage.create_shared(places, VolumeState(name, "", "", request.labels, False, request.driver_opts, time.time()))
    elif request.driver_opts and request.driver_opts != _state(folder).driver_opts:
        raise ComposerError(f"volume {name} is there already, with other options", hint=f"composer volume inspect {name}")
    return name


def volumes(places: Places) -> list[StoredVolume]:
    """Every volume of this machine, by name."""
    folders = [*storage.folders(places.shared_volumes), *(one for project in places.projects() for one in storage.folders(project.volumes))]
    users = _users(places)
    found = [StoredVolume(_state(folder), folder, users.get(folder, ())) for folder in folders if (folder / "_data").is_dir()]
    return sorted(found, key=lambda one: one.state.name)


def named(places: Places, names: Iterable[str]) -> Iterator[StoredVolume]:
    """One that is not there is an error."""
    there = volumes(places)
    for name in names:
        found = next((one for one in there if one.state.name == name), None)
        if found is None:
            raise AbsentError(f"volume {name} does not exist", hint="composer volume ls")
        yield found


def remove(places: Places, name: str) -> None:
    """Remove a volume that no container mounts, and what is in it."""
    one = next(named(places, [name]))
    if one.users:
        users = ", ".join(sorted(one.users))
        raise ComposerError(f"volume {name} is in use by {users}", hint="composer rm, or composer down, in their project")
    remove_tree(one.folder)
    project = one.folder.parent.parent
    if one.folder.parent.name == "volumes" and project != places.root and not (project / "project.json").exists():
        with suppress(OSError):  # the last volume of a project that is down
            one.folder.parent.rmdir()
            remove_tree(project)


def unused(places: Places, *, everything: bool) -> list[str]:
    """The volumes that `prune` removes: anonymous ones, with `everything` named ones too."""
    return [one.state.name for one in volumes(places) if not one.users and (everything or one.state.anonymous)]


def _state(folder: Path) -> VolumeState:
    value = read_json(folder / "volume.json")
    return VolumeState.from_json(value) if value else VolumeState(folder.name, "", "")


def _users(places: Places) -> dict[Path, tuple[str, ...]]:
    found: dict[Path, tuple[str, ...]] = {}
    for project in places.projects():
        for container, folder in used_volumes(project):
            found[folder] = (*found.get(folder, ()), container)
    return found
