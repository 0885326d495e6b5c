"""All that one container is made from: kept beside its record, so that it can be started again whatever the file says by then."""

from __future__ import annotations

from collections.abc import Mapping

from composer.model.base import Model
from composer.model.mounts import FileSource, Volume
from composer.model.project import Project
from composer.model.service import Service


class Blueprint(Model):
    """A service, with the definitions of the volumes, secrets and configs that it names."""

    service: Service
    volumes: Mapping[str, Volume] = {}
    secrets: Mapping[str, FileSource] = {}
    configs: Mapping[str, FileSource] = {}

    @classmethod
    def of(cls, service: Service, project: Project) -> Blueprint:
        """The part of `project` that `service` needs."""
        named = {mount.source for mount in service.volumes if mount.type == "volume"}
        return cls(
            service=service,
            volumes={key: volume for key, volume in project.volumes.items() if key in named},
            secrets={grant.source: project.secrets[grant.source] for grant in service.secrets},
            configs={grant.source: project.configs[grant.source] for grant in service.configs},
        )
