"""Volumes: a folder each, with the record and what the containers see.

    NAME/volume.json     the record: it is written last, so that what has one is whole
    NAME/_data/          what is mounted
    NAME/.filled         see fill.py
    NAME/users/HASH      shared ones only: the projects that made use of it

A project's own volumes are in its folder. One with a name of its own (`name:`) is shared by all projects, and is removed by the
last one that uses it. An external one is a shared one, or another project's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from composer.errors import InUseError, StorageError
from composer.model.mounts import Volume
from composer.observed import VolumeState
from composer.storage import local
from composer.store import Places, ProjectPlaces, read_json, remove_tree, write_bytes, write_json

NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_RECORD = "volume.json"


def data(folder: Path) -> Path:
    return folder / "_data"


def list_volumes(places: ProjectPlaces) -> Mapping[str, VolumeState]:
    """The project's own, and the shared ones that it made or used."""
    shared = [folder for folder in folders(places.top.shared_volumes) if _mark(folder, places).exists()]
    records = (read_json(folder / _RECORD) for folder in [*folders(places.volumes), *shared])
    states = [VolumeState.from_json(record) for record in records if record]
    return {state.name: state for state in states}


def create(places: ProjectPlaces, state: VolumeState, definition: Volume | None = None) -> Path:
    """Make its folder; one that is there already stays as it is, and an external one has to be there."""
    if definition is not None and definition.external:
        return locate(places, definition)
    shared = definition is not None and definition.shared
    folder = (places.top.shared_volumes if shared else places.volumes) / _checked(state.name)
    folder.mkdir(parents=True, exist_ok=True, mode=0o711)
    data(folder).mkdir(exist_ok=True, mode=0o755)
    if shared:
        write_bytes(_mark(folder, places), b"")
    if not (folder / _RECORD).exists():
        write_json(folder / _RECORD, state.to_json())
    return folder


def create_shared(top: Places, state: VolumeState) -> None:
    """One of no project's (`composer volume create`)."""
    folder = top.shared_volumes / _checked(state.name)
    data(folder).mkdir(parents=True, exist_ok=True, mode=0o755)
    write_json(folder / _RECORD, state.to_json())


def remove(places: ProjectPlaces, name: str) -> None:
    """Remove a volume and what is in it. StorageError when other projects use a shared one; this project's mark is then off it."""
    own = places.volumes / _checked(name)
    shared = places.top.shared_volumes / name
    if own.is_dir() and (users := _foreign_users(places, name)):
        raise InUseError(f"volume {name} stays: container {users[0]} of another project mounts it")
    remove_tree(own)
    if not _mark(shared, places).exists():
        return
    _mark(shared, places).unlink(missing_ok=True)
    others = [other.hash for other in places.top.projects() if _mark(shared, other).exists()]
    if others:
        raise InUseError(f"volume {name} stays: {len(others)} other project{'s use' if len(others) > 1 else ' uses'} it")
    remove_tree(shared)


def _foreign_users(places: ProjectPlaces, name: str) -> list[str]:
    """The containers (ids) of other projects that are made with an external volume of that name."""
    others = (other for other in places.top.projects() if other.hash != places.hash)
    made = ((path, read_json(path) or {}) for other in others for path in other.containers.glob("*/service.json"))
    return [path.parent.name[:12] for path, value in made
            if any(one["external"] and one["name"] == name for one in value.get("volumes", {}).values())]


def folder_of(places: ProjectPlaces, name: str) -> Path:
    """What containers see of a volume of `list_volumes`."""
    own = places.volumes / _checked(name)
    return data(own if own.is_dir() else places.top.shared_volumes / name)


def find(top: Places, name: str) -> Path | None:
    """The folder of the volume of that full name, a shared one or any project's."""
    folders = (top.shared_volumes / _checked(name), *(one.volumes / name for one in top.projects()))
    return next((folder for folder in folders if data(folder).is_dir()), None)


def locate(places: ProjectPlaces, volume: Volume) -> Path:
    """The folder of a volume that has to be there."""
    for folder in _candidates(places, volume):
        if data(folder).is_dir():
            return folder
    kind = "external volume" if volume.external else "volume"
    raise StorageError(f"volumes.{volume.key}: {kind} {volume.name} does not exist",
                       hint=f"composer volume create {volume.name}" if volume.external else "")


def source(places: ProjectPlaces, volume: Volume) -> Path | local.FileSystem | None:
    """What is mounted in the place of the volume's own folder, if its options say so: a folder of the host, or a file system."""
    if volume.driver not in ("", "local"):
        raise StorageError(f"volumes.{volume.key}.driver: there is no volume driver {volume.driver}", hint="composer has the driver local")
    options = volume.driver_opts
    if volume.external:
        record = read_json(locate(places, volume) / _RECORD)
        options = VolumeState.from_json(record).driver_opts if record else {}
    return local.parse(f"volumes.{volume.key}.driver_opts", options)


def _candidates(places: ProjectPlaces, volume: Volume) -> Iterator[Path]:
    name = _checked(volume.name)
    if not (volume.shared or volume.external):
        yield places.volumes / name
        return
    yield places.top.shared_volumes / name
    if volume.external:
        yield from (other.volumes / name for other in places.top.projects())


def anonymous(places: ProjectPlaces, name: str) -> Path:
    """The folder of an anonymous volume, made here when nobody has yet."""
    folder = places.volumes / _checked(name)
    return folder if data(folder).is_dir() else create(places, VolumeState(name, key="", fingerprint="", anonymous=True))


def _mark(folder: Path, places: ProjectPlaces) -> Path:
    return folder / "users" / places.hash


def folders(parent: Path) -> list[Path]:
    """Those of the volumes below it."""
    return sorted(parent.iterdir()) if parent.is_dir() else []


def _checked(name: str) -> str:
    if not name or "/" in name or name.startswith("."):
        raise StorageError(f'"{name}" is no volume name')
    return name
