"""One reading of the machine, and the records that it is read from. Plain values: nothing here touches the machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self

#: `creating`: the intent is recorded, the container is not whole. `created`: `crun create` done, or never started since
#: a stop. `running`, `exited`: as said. `removing`: the intent to remove is recorded. `restarting` is not in records: `ps` calls one so
#: that has ended and has a `restart_at`.
Status = Literal["creating", "created", "running", "paused", "restarting", "exited", "removing"]
Health = Literal["", "starting", "healthy", "unhealthy"]


class Record:
    """Dataclass <-> JSON for the state files: unknown keys of a newer writer are left out, tuples come back as tuples."""

    __slots__ = ()

    def to_json(self) -> dict[str, Any]:
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}  # type: ignore[arg-type]

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        known = {f.name for f in fields(cls)}  # type: ignore[arg-type]
        return cls(**{key: tuple(item) if isinstance(item, list) else item for key, item in value.items() if key in known})


def _plain(value: Any) -> Any:
    """Without the deep copies of `dataclasses.asdict`: records are written several times on the way up."""
    if isinstance(value, Record):
        return value.to_json()
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


@dataclass(frozen=True, slots=True)
class Process(Record):
    """A process that can be told from a later one with the same number: start time in clock ticks since boot (proc(5))."""

    pid: int
    start_time: int
    boot_id: str


@dataclass(frozen=True, slots=True)
class Endpoint(Record):
    """One container's end on one network; kept from creation to removal, so that a restart keeps address and MAC."""

    network: str  # the compose file's key
    interface: str  # inside the container: eth0, eth1...
    peer: str  # the other end of the veth pair, in the project's namespace (15 characters at most)
    address: str  # with its prefix: 10.211.0.2/24
    gateway: str  # the bridge's address, without prefix; "" for none
    mac: str
    aliases: tuple[str, ...] = ()
    default_route: bool = False
    address6: str = ""  # with its prefix, "" on a network without IPv6
    gateway6: str = ""
    default_route6: bool = False
    link_local: tuple[str, ...] = ()
    sysctls: Mapping[str, str] = field(default_factory=dict)  # of the interface: ipv4/conf/{link}/log_martians -> 1


@dataclass(frozen=True, slots=True)
class Publication(Record):
    """One published port. `host_ip` is "" for all addresses; `host_port` 0 asks the driver for a free one."""

    host_ip: str
    host_port: int
    container_port: int
    protocol: Literal["tcp", "udp"] = "tcp"
    host_port_last: int = 0  # of a range over one container port: the driver takes a free one of host_port..last


@dataclass(frozen=True, slots=True)
class Container(Record):
    """The record of a container: `containers/ID/container.json`. Times are seconds since the epoch, 0 for never."""

    id: str
    name: str
    service: str
    number: int
    oneoff: bool = False
    status: Status = "creating"
    fingerprint: str = ""
    image: str = ""
    image_id: str = ""
    command: str = ""  # for `ps`
    runtime: str = "crun"
    process: Process | None = None  # PID 1 of the container while it runs
    holder: Process | None = None  # its conmon
    sources: str = ""  # what its last processes were made with (engine/sources.py)
    boot: str = ""  # of the kernel, in which its last processes were made (random(4), boot_id)
    created_at: float = 0
    started_at: float = 0
    finished_at: float = 0
    exit_code: int | None = None
    oom_killed: bool = False
    error: str = ""  # why it ended, where the exit code does not say ("holder lost")
    health: Health = ""
    restarts: int = 0
    restart_at: float = 0  # when its policy brings it back, while it waits for that
    hooks_due: int = 0  # how many of its `post_start` hooks have not succeeded yet in this life
    stop_asked: bool = False  # the user stopped it: no restart policy applies
    endpoints: tuple[Endpoint, ...] = ()
    publications: tuple[Publication, ...] = ()
    exposed: tuple[str, ...] = ()  # "5432/tcp", published or not; none without a network of its own
    mounts: tuple[tuple[str, str], ...] = ()  # (type, path or volume name) of binds and named volumes
    anonymous: tuple[tuple[str, str], ...] = ()  # (target, volume name) of anonymous volumes
    labels: Mapping[str, str] = field(default_factory=dict)
    schema: int = 1

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        nested: dict[str, Any] = dict(value)
        for key in ("process", "holder"):
            nested[key] = Process.from_json(nested[key]) if nested.get(key) else None
        nested["endpoints"] = [Endpoint.from_json(item) for item in nested.get("endpoints", ())]
        nested["publications"] = [Publication.from_json(item) for item in nested.get("publications", ())]
        for key in ("anonymous", "mounts"):
            nested[key] = [tuple(item) for item in nested.get(key, ())]
        return super(Container, cls).from_json(nested)


@dataclass(frozen=True, slots=True)
class NetworkState(Record):
    """The record of one compose network of the project: `networks/KEY.json`. A network that projects share has one more, `network.json`,
    without key and bridge; `owner` is the project (HASH) that it belongs to, "" for none (`composer network create`)."""

    key: str
    name: str
    bridge: str  # 15 characters at most, in the project's namespace
    mac: str
    subnet: str  # 10.211.0.0/24
    gateway: str
    internal: bool
    fingerprint: str
    ip_range: str = ""
    reserved: tuple[str, ...] = ()  # ipam's aux_addresses: given to nobody
    joined: bool = False  # it is not the project's own
    subnet6: str = ""  # "" without IPv6
    gateway6: str = ""
    ip_range6: str = ""
    mtu: int = 0  # 0: that of the way out
    isolated: bool = False  # containers reach the gateway only, not each other
    owner: str = ""
    created_at: float = 0  # seconds since the epoch
    labels: Mapping[str, str] = field(default_factory=dict)
    driver_opts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VolumeState(Record):
    """The record of a volume: `volume.json` beside its `_data`."""

    name: str
    key: str
    fingerprint: str
    labels: Mapping[str, str] = field(default_factory=dict)
    anonymous: bool = False
    driver_opts: Mapping[str, str] = field(default_factory=dict)
    created_at: float = 0  # seconds since the epoch, 0 when it is not known


@dataclass(frozen=True, slots=True)
class Observed:
    """What is: frozen, taken once before planning. `shared` has the networks of others that the project's file names, by their full name;
    `guests` the projects (names) that are on one of the project's own, by key. `images` maps each reference that the project names to the
    id of the image in the store; a missing one is absent; `ages` has the seconds since it was last pulled, where a policy goes by that.
    `contents` maps `secrets/KEY` and `configs/KEY` to a digest of what they hold; `paths` maps the host's side of binds, secrets
    and configs to what is there."""

    sandbox: bool = False
    networks: Mapping[str, NetworkState] = field(default_factory=dict)
    shared: Mapping[str, NetworkState] = field(default_factory=dict)
    guests: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    volumes: Mapping[str, VolumeState] = field(default_factory=dict)
    containers: tuple[Container, ...] = ()
    images: Mapping[str, str] = field(default_factory=dict)
    ages: Mapping[str, float] = field(default_factory=dict)
    contents: Mapping[str, str] = field(default_factory=dict)
    paths: Mapping[str, Literal["folder", "file", "missing"]] = field(default_factory=dict)
