"""What should be: the compose files after every phase of loading."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from composer.model.base import Model
from composer.model.mounts import FileSource, Volume
from composer.model.network import Network
from composer.model.provider import LanguageModel
from composer.model.service import Service
from composer.store import project_hash


class Project(Model):
    """Only active services are in it: those of disabled profiles are left out by the loader, their names in `inactive`."""

    name: str
    working_dir: str
    config_files: tuple[str, ...] = ()
    environment_files: tuple[str, ...] = ()
    services: Mapping[str, Service] = {}
    networks: Mapping[str, Network] = {}
    volumes: Mapping[str, Volume] = {}
    secrets: Mapping[str, FileSource] = {}
    configs: Mapping[str, FileSource] = {}
    models: Mapping[str, LanguageModel] = {}
    inactive: tuple[str, ...] = ()
    separator: Literal["-", "_"] = "-"  # between the parts of the names of containers and images

    def joined(self, *parts: object) -> str:
        """The name of something of the project's: `shop-web-1`."""
        return self.separator.join(map(str, (self.name, *parts)))

    @property
    def hash(self) -> str:
        """The project's identity on this machine: its name and its folder."""
        return project_hash(self.name, self.working_dir)
