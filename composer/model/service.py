"""A service, in canonical form."""

from __future__ import annotations

from collections.abc import Mapping

from composer.model.base import Model
from composer.model.build import Build
from composer.model.deploy import Deploy
from composer.model.health import Healthcheck
from composer.model.mounts import Grant, Mount
from composer.model.network import Attachment
from composer.model.ports import Port
from composer.model.values import Condition


class Dependency(Model):
    """`services.*.depends_on.NAME`."""

    condition: Condition = "service_started"
    restart: bool = False
    required: bool = True


class Ulimit(Model):
    soft: int
    hard: int


class Service(Model):
    """`image` is always set: PROJECT-SERVICE for a service that is only built. `command` and `entrypoint`: None takes the
    image's, () clears it. Sizes are bytes, durations seconds, paths absolute."""

    name: str
    image: str
    build: Build | None = None
    pull_policy: str = ""
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    environment: Mapping[str, str] = {}  # env_file read in; variables without a value left out
    working_dir: str | None = None
    user: str | None = None
    hostname: str | None = None
    container_name: str | None = None
    labels: Mapping[str, str] = {}
    init: bool | None = None
    restart: str = "no"  # no, always, on-failure, on-failure:N, unless-stopped
    ports: tuple[Port, ...] = ()
    expose: tuple[str, ...] = ()  # "8080", "8080/udp", "3000-3005/tcp"
    networks: Mapping[str, Attachment] = {}
    network_mode: str | None = None
    volumes: tuple[Mount, ...] = ()
    tmpfs: tuple[str, ...] = ()  # PATH[:OPTIONS]
    secrets: tuple[Grant, ...] = ()
    configs: tuple[Grant, ...] = ()
    read_only: bool = False
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    privileged: bool = False
    runtime: str | None = None
    mem_limit: int | None = None
    cpus: float | None = None
    pids_limit: int | None = None
    scale: int | None = None
    deploy: Deploy = Deploy()
    stop_signal: str | None = None
    stop_grace_period: float | None = None
    depends_on: Mapping[str, Dependency] = {}
    healthcheck: Healthcheck | None = None
    profiles: tuple[str, ...] = ()
    eager: bool = True  # x-composer.eager: early health probes

    @property
    def replicas(self) -> int:
        """How many containers of this service there should be."""
        declared = self.scale if self.scale is not None else self.deploy.replicas
        return 1 if declared is None else declared

    @property
    def memory(self) -> int | None:
        """The memory limit in bytes, whichever attribute gives it."""
        return self.mem_limit if self.mem_limit is not None else self.deploy.resources.limits.memory

    @property
    def cpu_limit(self) -> float | None:
        return self.cpus if self.cpus is not None else self.deploy.resources.limits.cpus

    @property
    def pid_limit(self) -> int | None:
        return self.pids_limit if self.pids_limit is not None else self.deploy.resources.limits.pids
