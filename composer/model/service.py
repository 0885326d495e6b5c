"""A service, in canonical form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from composer.model.base import Model
from composer.model.blkio import Blkio
from composer.model.build import Build
from composer.model.deploy import Deploy, DeviceRequest
from composer.model.develop import Develop
from composer.model.health import Healthcheck
from composer.model.hook import Hook, PreStart
from composer.model.limits import Ulimit
from composer.model.mounts import Grant, Mount
from composer.model.network import Attachment
from composer.model.ports import Port
from composer.model.provider import ModelBinding, Provider
from composer.model.ready import Ready
from composer.model.values import Condition


class Dependency(Model):
    """`services.*.depends_on.NAME`."""

    condition: Condition = "service_started"
    restart: bool = False
    required: bool = True


class DeviceMapping(Model):
    """An entry of `services.*.devices`: a device node of the host, or a folder of them, or a CDI name; `permissions` are of r, w and m."""

    source: str
    target: str
    permissions: str = "rwm"


class Logging(Model):
    """`services.*.logging`. `driver`: json-file, local or none. Sizes are bytes; without `max_size` a log grows without end, `max_file`
    counts the one that is written."""

    driver: Literal["json-file", "local", "none"] = "json-file"
    max_size: int | None = None
    max_file: int = 1


class Link(Model):
    """An entry of `services.*.links`: `alias` is another name of `service`, for this client alone."""

    service: str
    alias: str


class VolumesFrom(Model):
    """An entry of `services.*.volumes_from`: either a service (its first container) or a container by its name."""

    service: str = ""
    container: str = ""
    read_only: bool | None = None  # None: as there


class Service(Model):
    """`image` is always set: PROJECT-SERVICE for a service that is only built. `command` and `entrypoint`: None takes the
    image's, () clears it. Sizes are bytes, durations seconds, paths absolute."""

    name: str
    image: str
    build: Build | None = None
    image_named: bool = False  # the file gives the image of a build its name: it may be in a registry
    pull_policy: str = ""  # always, never, missing, build, refresh
    refresh_after: float | None = None  # seconds after which the policy `refresh` pulls again; None: each time
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    environment: Mapping[str, str] = {}  # env_file read in; variables without a value left out
    working_dir: str | None = None
    user: str | None = None
    group_add: tuple[str, ...] = ()  # names or numbers
    hostname: str | None = None
    domainname: str | None = None
    container_name: str | None = None
    labels: Mapping[str, str] = {}
    init: bool | None = None
    restart: str = "no"  # no, always, on-failure, on-failure:N, unless-stopped
    ports: tuple[Port, ...] = ()
    expose: tuple[str, ...] = ()  # "8080", "8080/udp", "3000-3005/tcp"
    networks: Mapping[str, Attachment] = {}
    network_mode: str | None = None  # host, none, service:NAME, container:NAME
    links: tuple[Link, ...] = ()
    external_links: tuple[Link, ...] = ()  # to containers, by name
    volumes_from: tuple[VolumesFrom, ...] = ()
    mac_address: str | None = None  # on the first of its networks
    extra_hosts: tuple[str, ...] = ()  # HOST=ADDRESS; the address may be host-gateway
    dns: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    dns_opt: tuple[str, ...] = ()
    volumes: tuple[Mount, ...] = ()
    tmpfs: tuple[str, ...] = ()  # PATH[:OPTIONS]
    secrets: tuple[Grant, ...] = ()
    configs: tuple[Grant, ...] = ()
    read_only: bool = False
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    privileged: bool = False
    security_opt: tuple[str, ...] = ()  # KEY or KEY=VALUE; `seccomp` holds a profile's text
    devices: tuple[DeviceMapping, ...] = ()
    gpus: tuple[DeviceRequest, ...] = ()
    device_cgroup_rules: tuple[str, ...] = ()
    pid: str | None = None  # host, service:NAME, container:NAME
    ipc: str | None = None  # private, shareable, host, service:NAME, container:NAME
    userns_mode: str | None = None  # host
    uts: str | None = None  # host
    cgroup: str | None = None  # private, host
    attach: bool = True  # `up` shows its log
    tty: bool = False
    stdin_open: bool = False
    shm_size: int | None = None
    sysctls: Mapping[str, str] = {}
    ulimits: Mapping[str, Ulimit] = {}
    runtime: str | None = None
    annotations: Mapping[str, str] = {}
    mem_limit: int | None = None
    mem_reservation: int | None = None
    memswap_limit: int | None = None  # memory and swap together, -1 for no limit
    mem_swappiness: int | None = None
    oom_score_adj: int | None = None
    oom_kill_disable: bool = False
    blkio_config: Blkio = Blkio()
    cpus: float | None = None
    cpu_quota: int | None = None  # microseconds in each `cpu_period`
    cpu_period: int | None = None
    cpu_shares: int | None = None
    cpu_rt_runtime: int | None = None  # microseconds in each `cpu_rt_period`
    cpu_rt_period: int | None = None
    cpuset: str | None = None
    pids_limit: int | None = None
    logging: Logging = Logging()
    scale: int | None = None
    deploy: Deploy = Deploy()
    stop_signal: str | None = None
    stop_grace_period: float | None = None
    depends_on: Mapping[str, Dependency] = {}
    healthcheck: Healthcheck | None = None
    pre_start: tuple[PreStart, ...] = ()
    post_start: tuple[Hook, ...] = ()
    pre_stop: tuple[Hook, ...] = ()
    develop: Develop = Develop()
    provider: Provider | None = None  # then it has no container
    models: Mapping[str, ModelBinding] = {}
    profiles: tuple[str, ...] = ()
    eager: bool = True  # x-composer.eager: early health probes
    ready: Ready | None = None  # x-composer.ready: goes before `healthcheck`
    restart_on_unhealthy: bool = False  # x-composer.restart_on_unhealthy

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
    def memory_reservation(self) -> int | None:
        return self.mem_reservation if self.mem_reservation is not None else self.deploy.resources.reservations.memory

    @property
    def device_requests(self) -> tuple[DeviceRequest, ...]:
        return (*self.gpus, *self.deploy.resources.reservations.devices)

    @property
    def further_images(self) -> tuple[str, ...]:
        """Images that it needs beside its own."""
        named = [hook.image for hook in self.pre_start if hook.image] + [mount.source for mount in self.volumes if mount.type == "image"]
        return tuple(dict.fromkeys(name for name in named if name != self.image))

    @property
    def joined(self) -> Mapping[str, str]:
        """Attribute -> the service whose namespace is shared."""
        return self._shared_with("service:")

    @property
    def joined_containers(self) -> Mapping[str, str]:
        """Attribute -> the name of the container, of this project or another, whose namespace is shared."""
        return self._shared_with("container:")

    def _shared_with(self, kind: str) -> Mapping[str, str]:
        modes = {"network_mode": self.network_mode, "pid": self.pid, "ipc": self.ipc}
        return {key: mode.removeprefix(kind) for key, mode in modes.items() if mode and mode.startswith(kind)}

    @property
    def cpu_limit(self) -> float | None:
        return self.cpus if self.cpus is not None else self.deploy.resources.limits.cpus

    @property
    def pid_limit(self) -> int | None:
        return self.pids_limit if self.pids_limit is not None else self.deploy.resources.limits.pids
