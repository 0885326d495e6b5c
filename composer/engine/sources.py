"""Whether what a container was created with is still what is there at its start: `crun create` performs the mounts, and secrets and
configs are copied before it; Docker looks at the start."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator

from composer.engine.scene import Scene
from composer.host import RootfsRequest
from composer.model.blueprint import Blueprint
from composer.observed import Container


def stamp(made_from: Blueprint | RootfsRequest) -> str:
    """Tells the sources on the host's file system from others in their place, "" when there are none: of what is mounted, which one it is
    (its content shows through), of what is copied, also its last change."""
    seen = [_of(path, copied=copied) for path, copied in _sources(made_from)]
    return hashlib.sha256(repr(seen).encode()).hexdigest() if seen else ""


def outdated(scene: Scene, container: Container, blueprint: Blueprint) -> bool:
    """Of one that was created and waits for its start: whether it has to be made anew. One that shares namespaces has to be younger than
    their owners."""
    joined = {*blueprint.service.joined.values()}
    owners = [one.process for one in scene.records.all() if one.process and not one.oneoff and one.service in joined]
    older = container.process is not None and any(owner.start_time > container.process.start_time for owner in owners)
    return older or container.sources != stamp(blueprint)


def _sources(made_from: Blueprint | RootfsRequest) -> Iterator[tuple[str, bool]]:
    yield from ((mount.source, False) for mount in made_from.service.volumes if mount.type == "bind")
    files = (*made_from.secrets.values(), *made_from.configs.values())
    yield from ((source.file, True) for source in files if source.file)


def _of(path: str, *, copied: bool) -> tuple[int, ...]:
    try:
        seen = os.stat(path)
    except OSError:
        return ()
    return (seen.st_dev, seen.st_ino, *((seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns) if copied else ()))
