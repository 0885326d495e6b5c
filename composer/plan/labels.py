"""The labels that docker compose puts on containers: other tools find containers by them, and we what the file no longer names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from composer.model.project import Project
    from composer.model.service import Dependency, Service
    from composer.observed import Container

PREFIX = "com.docker.compose."
HOOK = f"{PREFIX}hook"
DEPENDS_ON = f"{PREFIX}depends_on"


def of_container(project: Project, service: Service, number: int, *, oneoff: bool, fingerprint: str) -> dict[str, str]:
    """The service's own labels and ours."""
    ours = {
        "project": project.name,
        "service": service.name,
        "container-number": str(number),
        "oneoff": str(oneoff),
        "config-hash": fingerprint,
        "image": service.image,
        "depends_on": ",".join(_dependency(service, name, edge) for name, edge in service.depends_on.items()),
        "project.working_dir": project.working_dir,
        "project.config_files": ",".join(project.config_files),
    }
    return {**service.labels, **{PREFIX + key: value for key, value in ours.items()}}


def _dependency(service: Service, name: str, edge: Dependency) -> str:
    """A shared namespace ends with its owner's processes, so that who shares it is restarted with it."""
    return f"{name}:{edge.condition}:{str(edge.restart or name in service.joined.values()).lower()}"


def is_hook(container: Container) -> bool:
    """Whether it is one of `pre_start`."""
    return container.labels.get(HOOK) == "pre_start"


def dependencies(labels: Mapping[str, str]) -> dict[str, str]:
    """Service name -> condition, as the container was created with."""
    entries = (entry.split(":") for entry in labels.get(DEPENDS_ON, "").split(",") if entry)
    return {entry[0]: entry[1] if len(entry) > 1 else "service_started" for entry in entries}


def restarts_with(labels: Mapping[str, str]) -> set[str]:
    """The services with which the container asked to be restarted (`depends_on.NAME.restart`)."""
    entries = (entry.split(":") for entry in labels.get(DEPENDS_ON, "").split(",") if entry)
    return {entry[0] for entry in entries if entry[2:] == ["true"]}
