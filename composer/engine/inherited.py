"""`volumes_from`: a container is made with the mounts of another one as well, whose own targets win."""

from __future__ import annotations

from collections.abc import Iterator

from composer.engine.finding import Found, find_container
from composer.engine.scene import Scene
from composer.errors import ContainerError
from composer.model.blueprint import Blueprint
from composer.model.mounts import Mount, Volume
from composer.model.service import VolumesFrom


def with_inherited(scene: Scene, blueprint: Blueprint) -> Blueprint:
    """The blueprint with what it takes from others said as mounts of its own; anonymous volumes by the names that they have."""
    service = blueprint.service
    taken = {mount.target for mount in service.volumes} | {text.partition(":")[0] for text in service.tmpfs}
    mounts: list[Mount] = []
    volumes: dict[str, Volume] = {}
    for entry in service.volumes_from:
        source = _source(scene, service.name, entry)
        foreign = source.places.hash != scene.places.hash
        for mount, volume in _mounts(source):
            if mount.target not in taken:
                taken.add(mount.target)
                read_only = mount.read_only if entry.read_only is None else entry.read_only
                key = f"{source.container.id[:12]}/{mount.source}" if volume else mount.source
                mounts.append(mount.model_copy(update={"source": key, "read_only": read_only}))
                if volume:
                    volumes[key] = volume.model_copy(update={"external": volume.external or foreign})
    changed = service.model_copy(update={"volumes": (*service.volumes, *mounts)})
    return blueprint.model_copy(update={"service": changed, "volumes": {**blueprint.volumes, **volumes}})


def _source(scene: Scene, name: str, entry: VolumesFrom) -> Found:
    if entry.container:
        found = find_container(scene, entry.container)
    else:
        first = next((one for one in scene.records.all() if one.service == entry.service and not one.oneoff), None)
        found = Found(scene.places, first) if first else None
    if found is None:
        raise ContainerError(f"services.{name}.volumes_from: there is no container {entry.container or f'of service {entry.service}'}",
                             hint="it has to be created before")
    return found


def _mounts(source: Found) -> Iterator[tuple[Mount, Volume | None]]:
    made = source.blueprint
    for mount in made.service.volumes:
        if mount.type != "volume" or mount.source:
            yield mount, made.volumes.get(mount.source) if mount.type == "volume" else None
    for target, name in source.container.anonymous:
        yield Mount(type="volume", source=name, target=target), Volume(key=name, name=name)
