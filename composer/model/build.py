"""`services.*.build`."""

from __future__ import annotations

from collections.abc import Mapping

from composer.model.base import Model
from composer.model.limits import Ulimit


class BuildSecret(Model):
    """What `RUN --mount=type=secret,id=...` gets: the content of a top-level secret."""

    id: str
    source: str  # the top-level key
    file: str | None = None  # absolute; None: its value came from a variable


class Build(Model):
    """`context` is an absolute folder or a git URL; `dockerfile` is relative to it, or absolute."""

    context: str
    dockerfile: str = "Dockerfile"
    dockerfile_inline: str | None = None
    additional_contexts: Mapping[str, str] = {}  # name -> folder, docker-image://NAME, oci-layout://FOLDER[:TAG], service:NAME
    args: Mapping[str, str | None] = {}
    extra_hosts: tuple[str, ...] = ()  # HOST=ADDRESS
    labels: Mapping[str, str] = {}
    memory: int | None = None  # bytes, of what RUN starts; only the command line has it
    network: str | None = None  # of RUN: host, none
    no_cache: bool = False
    no_cache_filter: tuple[str, ...] = ()  # stages that are built without cache
    platforms: tuple[str, ...] = ()
    privileged: bool = False
    pull: bool = False
    secrets: tuple[BuildSecret, ...] = ()
    shm_size: int | None = None  # bytes
    ssh: tuple[str, ...] = ()  # ID=PATH of a key or of an agent's socket; ID alone where there is no agent
    tags: tuple[str, ...] = ()
    target: str | None = None
    ulimits: Mapping[str, Ulimit] = {}

    @property
    def services(self) -> Mapping[str, str]:
        """Name of a context -> the service whose image it is."""
        return {name: value.removeprefix("service:") for name, value in self.additional_contexts.items() if value.startswith("service:")}
