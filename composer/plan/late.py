"""Which containers must not be created before what they wait for is there: `crun create` performs the mounts, and a file
that a dependency writes or replaces later would be missed (Docker looks at the start)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from composer.model.project import Project
from composer.model.service import Service
from composer.observed import Observed


def created_late(service: Service, project: Project, observed: Observed, earlier: Iterable[Service]) -> bool:
    """`earlier`: the services that it waits for, directly or not."""
    waits = any(edge.condition != "service_started" for edge in service.depends_on.values())
    if not waits:
        return False
    sources = source_paths(service, project)
    if any(observed.paths.get(source) != "folder" for source in sources) or any(mount.subpath for mount in service.volumes):
        return True
    written = {mount.source for other in earlier for mount in other.volumes if mount.type == "bind" and not mount.read_only}
    return any(_within(source, folder) for source in sources for folder in written)


def source_paths(service: Service, project: Project) -> tuple[str, ...]:
    """The host's side of all that the service mounts from the host's file system."""
    binds = [mount.source for mount in service.volumes if mount.type == "bind"]
    secrets = [project.secrets[grant.source].file for grant in service.secrets if grant.source in project.secrets]
    configs = [project.configs[grant.source].file for grant in service.configs if grant.source in project.configs]
    return (*binds, *(path for path in (*secrets, *configs) if path))


def _within(source: str, folder: str) -> bool:
    return PurePosixPath(source).is_relative_to(folder)
