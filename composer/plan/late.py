"""Which containers must not be created before what they wait for is there: `crun create` performs the mounts, and what a dependency
makes later would be missed (Docker looks at the start). Of others the engine looks at the start, and makes them anew
(`engine/sources.py`)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from composer.model.project import Project
from composer.model.service import Service
from composer.observed import Observed


def created_late(service: Service, project: Project, observed: Observed, earlier: Iterable[Service]) -> bool:
    """`earlier`: the services that it waits for, directly or not."""
    if not waits(service):
        return False
    sources = source_paths(service, project)
    if any(observed.paths.get(source, "missing") == "missing" for source in sources) or any(mount.subpath for mount in service.volumes):
        return True
    written = {mount.source for other in earlier for mount in other.volumes if mount.type == "bind" and not mount.read_only}
    return any(_within(source, folder) for source in sources for folder in written)


def waits(service: Service) -> bool:
    """For more than the start of another."""
    return any(edge.condition != "service_started" for edge in service.depends_on.values())


def source_paths(service: Service, project: Project) -> tuple[str, ...]:
    """The host's side of all that the service mounts from the host's file system."""
    binds = [mount.source for mount in service.volumes if mount.type == "bind"]
    secrets = [project.secrets[grant.source].file for grant in service.secrets if grant.source in project.secrets]
    configs = [project.configs[grant.source].file for grant in service.configs if grant.source in project.configs]
    return (*binds, *(path for path in (*secrets, *configs) if path))


def _within(source: str, folder: str) -> bool:
    return PurePosixPath(source).is_relative_to(folder)
