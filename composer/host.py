"""The only door to the machine: four driver contracts, and Host, which bundles them.

A driver gets values, never a Project or a Plan. Every call blocks and may be made from any thread; calls for different
containers run side by side. Every `create` is undone as a whole when a part of it fails, and every `remove` is content
with what is already gone. A driver raises its own kind of HostError and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from socket import socket
from typing import Protocol, TypeVar

from composer.model.build import Build
from composer.model.health import Healthcheck
from composer.model.mounts import FileSource, Volume
from composer.model.network import Network as NetworkModel
from composer.model.service import Service
from composer.observed import Endpoint, NetworkState, Process, Publication, VolumeState

Progress = Callable[[str], None]
T = TypeVar("T")


# ---------------------------------------------------------------- network


@dataclass(frozen=True, slots=True)
class Reservation:
    """A published port that is now ours on the host. `port` is the port that was got. `held` are bound, not listening
    (the IPv6 one listens: `::1` cannot be routed, the supervisor forwards from it)."""

    publication: Publication  # with the port that was got
    held: tuple[socket, ...]
    forward: socket | None = None


class Network(Protocol):
    """Links, addresses, routes and packet rules of one project."""

    def create_sandbox(self) -> None:
        """Make the project's namespace, pinned at `ProjectPlaces.netns`, its uplink, its host table. Done already: nothing."""

    def remove_sandbox(self) -> None:
        """Take away uplink, bridges, rules by name, then unpin."""

    def sandbox_exists(self) -> bool: ...

    def heal(self) -> None:
        """Put back what others flushed on the host; nothing without a sandbox."""

    def plan_network(
        self, network: NetworkModel, others: Sequence[NetworkState], fingerprint: str, *, elsewhere: Sequence[str] = ()
    ) -> NetworkState:
        """Choose bridge name, MAC and subnet, away from the host's routes and from `others`, which are the project's; touches nothing.
        Subnets of other projects, `elsewhere`, are avoided as long as there are free ones."""

    def adopt_network(self, network: NetworkModel, found: NetworkState, others: Sequence[NetworkState]) -> NetworkState:
        """The project's part of a shared network: the same addresses on a bridge of its own; refused when it overlaps one of `others`."""

    def create_network(self, network: NetworkState) -> None:
        """A shared one's bridge is connected with those of its other members."""

    def connect(self, name: str, member: str) -> None:
        """Connect the bridge of another project (HASH) that a shared network has become; nothing when it is not there now."""

    def disconnect(self, name: str) -> None:
        """Remove what connects the members of a shared network; nothing while it has any."""

    def remove_network(self, network: NetworkState) -> None: ...

    def bridges(self) -> frozenset[str]:
        """The bridges that are really there."""

    def attach(self, process: Process, endpoints: Sequence[Endpoint], networks: Mapping[str, NetworkState]) -> None:
        """Give the network namespace of a created container lo, its interfaces, routes, and the way to 127.0.0.11."""

    def detach(self, endpoints: Sequence[Endpoint]) -> None:
        """Remove what is left of the veth pairs, and the conntrack entries of their addresses."""

    def reserve(self, publications: Sequence[Publication]) -> list[Reservation]:
        """Bind each port on the host, all or none; a taken one raises NetworkError that names its holder."""

    def publish(self, key: str, publications: Sequence[Publication], endpoints: Sequence[Endpoint]) -> None:
        """Lead the host's ports to the container's address; `key` (the container's id) names the rules for `unpublish`."""

    def unpublish(self, key: str) -> None: ...

    def resolver_sockets(self) -> tuple[socket, socket]:
        """UDP and listening TCP socket bound to 127.0.0.11:53 in the project's namespace."""

    def open_socket(self, family: int, kind: int) -> socket:
        """A socket in the project's namespace, from which containers can be reached."""

    def open_socket_of(self, process: Process, family: int, kind: int) -> socket:
        """A socket in the network namespace of a container's PID 1."""

    def forward_address(self) -> str:
        """The address by which the host reaches the project's published ports (the uplink's project end)."""

    def host_address(self) -> str:
        """The uplink's host end: what `host.docker.internal` resolves to."""


# ---------------------------------------------------------------- images


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """The part of the image's configuration that a container inherits (OCI image specification, `config`)."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    working_dir: str = ""
    user: str = ""
    volumes: tuple[str, ...] = ()
    exposed_ports: tuple[str, ...] = ()  # "5432/tcp"
    stop_signal: str = ""
    healthcheck: Healthcheck | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Image:
    id: str  # sha256 hex of the configuration, without prefix
    names: tuple[str, ...]
    layers: tuple[Path, ...]  # folders, the topmost first, as overlayfs wants them
    config: ImageConfig
    size: int = 0
    created: float = 0
    platform: str = ""  # linux/arm64/v8


@dataclass(frozen=True, slots=True)
class Access:
    """What the calling user brings for registries: the text of an auth file (containers-auth.json(5)) and of a registries.conf, and the
    socket of a Docker engine on this machine; "" for none. Kept in memory for one request, never written down."""

    auths: str = field(default="", repr=False)
    registries: str = ""
    engine: str = ""


NO_ACCESS = Access()


class Images(Protocol):
    """The image store of composer's own, shared by all projects."""

    def find(self, reference: str) -> Image | None:
        """The image by name (`nginx`, `docker.io/library/nginx:1.25`, `name@sha256:...`) or by id; reads JSON only, starts no program."""

    def age(self, reference: str) -> float | None:
        """Seconds since the name was last pulled (else: since the image came into the store); None when it is not there."""

    def pull(self, reference: str, progress: Progress, access: Access = NO_ACCESS) -> Image:
        """Bring the store to what the registry has; `progress` gets "12.3MB/40MB", a few times a second."""

    def push(self, reference: str, progress: Progress, access: Access = NO_ACCESS) -> None:
        """The image under its name to the registry that the name begins with."""

    def build(
        self, build: Build, reference: str, progress: Progress, access: Access = NO_ACCESS, *, no_cache: bool = False, pull: bool = False,
        secrets: Mapping[str, Path] = ...,
    ) -> Image:
        """Build and name an image; `progress` gets each line of output. `secrets`: for RUN, id -> file. A context `service:NAME` has to
        be an image by now (`docker-image://NAME`)."""

    def remove(self, reference: str) -> None:
        """Refused with ImageError that names the container when a container of any project uses it."""


# ---------------------------------------------------------------- storage


@dataclass(frozen=True, slots=True)
class RootfsRequest:
    """All that the storage driver needs to know to lay out what a container sees."""

    id: str
    service: Service
    image: Image
    hostname: str
    hosts: tuple[tuple[str, tuple[str, ...]], ...]  # (address, names) for /etc/hosts
    volumes: Mapping[str, Volume]  # by key
    secrets: Mapping[str, FileSource]
    configs: Mapping[str, FileSource]
    anonymous: tuple[tuple[str, str], ...] = ()  # (target, volume name)
    mounted: Mapping[str, Image] = field(default_factory=dict)  # images that are mounted, by the name in `volumes`
    network_files: Path | None = None  # the folder with hosts, hostname and resolv.conf of the container whose network is shared


@dataclass(frozen=True, slots=True)
class OciMount:
    """One entry of `mounts` in config.json (OCI runtime specification, Mounts)."""

    destination: str
    type: str
    source: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rootfs:
    """What `Storage.prepare` made. `uid`, `gid` and `groups` are those of the user that the service runs as, looked up in the image."""

    path: Path
    mounts: tuple[OciMount, ...]
    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()
    home: str = "/"


@dataclass(frozen=True, slots=True)
class Mirror:
    """Paths below a folder of the host (`source`), and the folder of a container (`target`) that is to have them as well. A path ""
    is the source itself, when that is a file: then `target` is the file's path."""

    source: str
    target: str
    paths: tuple[str, ...]


class Storage(Protocol):
    """Volumes, root file systems, and what is mounted into them."""

    def volumes(self) -> Mapping[str, VolumeState]:
        """The project's own volumes by name, anonymous ones too."""

    def create_volume(self, volume: VolumeState, definition: Volume | None = None) -> None:
        """An empty one; filled from the image by the first container that mounts it."""

    def remove_volume(self, name: str) -> None:
        """InUseError when others mount it."""

    def check(self, request: RootfsRequest) -> None:
        """Raise StorageError for a source that is missing, before anything is touched."""

    def digests(self, sources: Mapping[str, FileSource]) -> Mapping[str, str]:
        """`KIND/KEY` -> sha256 of what the secret or config holds now; the keys come as `KIND/KEY` too."""

    def prepare(self, request: RootfsRequest) -> Rootfs:
        """Mount the overlay, fill new volumes, write hosts, hostname, resolv.conf, secrets and configs.

        Called in the container's own mount namespace, where all mounts are left: they end with it."""

    def open_inside(self, process: Process, path: str) -> int | None:
        """A descriptor (O_PATH) of what is at `path` as a container's PID 1 sees it, None when nothing is there."""

    def sync(
        self, id_: str, mirrors: Sequence[Mirror], *, process: Process | None, holder: Process | None, image: Image | None, differing: bool
    ) -> tuple[str, ...]:
        """Bring paths in a container to what they are on the host; what is not there any more is removed. Files appear whole or not
        at all, with the host's modes and times, the owner of what they replace, else of their folder. What cannot be done is returned in
        words. `differing`: leave alone what looks the same.

        Through PID 1's root; without a `process` on the mounted files, and then called in a mount namespace of its own
        (`Runtime.apart`)."""

    def tidy(self, id_: str, process: Process, holder: Process | None) -> None:
        """Remove what a `sync` that was killed left in a container that runs."""

    def remove_container(self, id_: str) -> None:
        """Remove the container's folder: record, upper folder, log."""


# ---------------------------------------------------------------- runtime


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """What the runtime driver turns into config.json, together with a Rootfs."""

    id: str
    name: str
    service: Service
    image: ImageConfig
    hostname: str
    runtime: str  # a name found on PATH, or a path
    stdin: bool = False  # keep stdin open, to be written through the attach socket
    lasting: bool = False  # stdin stays open when who was attached has gone
    tty: bool = False
    joined: Mapping[str, Process] = field(default_factory=dict)  # by attribute (`Service.joined`): PID 1 of the container to join


@dataclass(frozen=True, slots=True)
class Created:
    process: Process  # PID 1 of the container, waiting for `start`
    holder: Process  # its conmon
    shortfalls: tuple[str, ...] = ()  # what the service asks for and does not get on this machine, for the user


@dataclass(frozen=True, slots=True)
class Ended:
    """How a container ended. `code` is None when nobody can tell any more (its conmon was killed, or the machine went down)."""

    code: int | None
    oom_killed: bool = False


class Runtime(Protocol):
    """The OCI runtime and conmon; ids are full container ids."""

    def check(self, service: Service) -> None:
        """Raise ContainerError for what cannot be had on this machine (devices, capabilities, limits), before anything is touched."""

    def create(self, spec: ContainerSpec, prepare: Callable[[], Rootfs]) -> Created:
        """Make the mount namespace, call `prepare` in it, write config.json, start conmon, which calls `RUNTIME create`.

        Waits for the end of a former conmon of the same id first. On failure nothing is left of it."""

    def start(self, id_: str, runtime: str) -> None: ...

    def signal(self, process: Process, signal: str) -> None:
        """Send a signal ("SIGTERM", "TERM", "15", "RTMIN+3") to the container's PID 1; one that is gone is fine."""

    def pause(self, id_: str, runtime: str) -> None:
        """Freeze every process of the container (cgroups(7), freezer)."""

    def resume(self, id_: str, runtime: str) -> None: ...

    def kill(self, id_: str, runtime: str, process: Process | None) -> None:
        """End every process of the container for sure (thaws a frozen cgroup first)."""

    def deaf(self, process: Process, signal: str) -> bool:
        """One look: whether PID 1 cannot hear `signal` at this moment (architecture, "Stopping does not wait for the deaf")."""

    def alive(self, process: Process) -> bool:
        """Whether it is still this very process (pid, start time, boot id)."""

    def waits(self, id_: str) -> bool:
        """Whether PID 1 of a container that was created has not been let go by `start` yet."""

    def ended(self, id_: str, *, patience: float = 2.0) -> Ended:
        """After the end of PID 1: its exit code, from conmon's exit file (waits `patience` seconds for it), and whether the
        kernel killed for memory."""

    def memory_kills(self, id_: str) -> int:
        """How many processes of a container that runs the kernel has killed for memory."""

    def memory_alarm(self, id_: str) -> int | None:
        """A descriptor that becomes readable when the container is out of memory, for the caller to drain and close; None where the
        kernel does not tell."""

    def delete(self, id_: str, runtime: str) -> None:
        """Remove what the OCI runtime and conmon left: state, cgroup, exit file. Kills what still runs."""

    def exec_argv(
        self,
        id_: str,
        runtime: str,
        command: Sequence[str],
        *,
        user: str = "",
        environment: Mapping[str, str] | None = None,
        working_dir: str = "",
        tty: bool = False,
        privileged: bool = False,
        detach: bool = False,
    ) -> list[str]:
        """The command line that runs a process in the container, in the foreground and with its exit code unless `detach`.

        Behind the first word the runtime's global options may be put (`--log=FILE` gets why a process could not be started)."""

    def listening(self, process: Process) -> frozenset[int]:
        """TCP ports in LISTEN on a non-loopback address in the container's network namespace (sock_diag(7))."""

    def effort(self, process: Process) -> float:
        """Seconds of processor time, spent or waited for, of PID 1 and all below it: what grows only while the container works."""

    def executable(self, process: Process) -> str:
        """What PID 1 executes now (/proc/PID/exe and its start), to tell an entrypoint from what it becomes."""

    def commands(self, process: Process) -> tuple[tuple[str, ...], ...]:
        """The command lines of PID 1 and, behind it, of its children."""

    def apart(self, work: Callable[[], T]) -> T:
        """Do `work` in a mount namespace that follows the host's and ends with it."""

    def enter_supervisor_group(self, *pids: int) -> None:
        """Move processes (none named: the calling one) to the project's cgroup for guard, supervisor and conmons."""

    def remove_groups(self) -> None:
        """Remove the project's cgroups, the supervisor's too; the calling process is moved out of it."""


@dataclass(frozen=True, slots=True)
class Host:
    """The machine, as one project sees it."""

    network: Network
    storage: Storage
    images: Images
    runtime: Runtime
