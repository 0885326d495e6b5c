"""In-memory drivers for the four contracts of composer/host.py: deterministic, without root, and able to fail where a test says.

`fail_on` maps "METHOD SUBJECT" ("create shop-web-1", "create_network shop_front") to the error to raise; `journal` holds the same
words for everything that was done. A container's PID 1 is an idle process of ours, so that it can be followed by pidfd.
"""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from ipaddress import IPv4Network
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from composer.errors import ContainerError, HostError, ImageError, NetworkError, StorageError
from composer.host import (
    NO_ACCESS,
    Access,
    ContainerSpec,
    Created,
    Ended,
    Host,
    Image,
    ImageConfig,
    Mirror,
    Progress,
    Reservation,
    Rootfs,
    RootfsRequest,
)
from composer.model.build import Build
from composer.model.mounts import FileSource, Volume
from composer.model.network import Network
from composer.model.service import Service
from composer.observed import Endpoint, NetworkState, Process, Publication, VolumeState
from composer.store import ProjectPlaces, remove_tree

T = TypeVar("T")

BOOT = "fake boot"
FIRST_FREE_PORT = 49152


@dataclass
class Script:
    """What a test lets go wrong, and what was done. Shared by the four drivers of one host."""

    fail_on: dict[str, HostError] = field(default_factory=dict)
    journal: list[str] = field(default_factory=list)

    def begin(self, method: str, subject: str = "") -> None:
        text = f"{method} {subject}".strip()
        self.journal.append(text)
        if text in self.fail_on:
            raise self.fail_on[text]


# ---------------------------------------------------------------- network


class HeldPort(socket.socket):
    """A descriptor that stands for a bound socket: the port is taken until it is closed."""

    def __init__(self) -> None:
        super().__init__(socket.AF_UNIX, socket.SOCK_STREAM)


@dataclass
class FakeNetwork:
    """`taken`: (protocol, port) of others on the host, with who holds it."""

    script: Script = field(default_factory=Script)
    taken: dict[tuple[str, int], str] = field(default_factory=dict)
    sandbox: bool = False
    networks: dict[str, NetworkState] = field(default_factory=dict)  # by bridge
    attached: dict[str, tuple[int, Endpoint]] = field(default_factory=dict)  # by peer: pid of the container
    published: dict[str, tuple[Publication, ...]] = field(default_factory=dict)
    reservations: list[Reservation] = field(default_factory=list)
    resolvers: list[socket.socket] = field(default_factory=list)

    def heal(self) -> None:
        """Nobody flushes a fake's rules."""

    def create_sandbox(self) -> None:
        self.script.begin("create_sandbox")
        self.sandbox = True

    def remove_sandbox(self) -> None:
        self.script.begin("remove_sandbox")
        self.networks.clear()
        self.attached.clear()
        self.published.clear()
        self.sandbox = False

    def sandbox_exists(self) -> bool:
        return self.sandbox

    def plan_network(
        self, network: Network, others: Sequence[NetworkState], fingerprint: str, *, elsewhere: Sequence[str] = ()
    ) -> NetworkState:
        used = {*(other.subnet for other in others), *elsewhere}
        given = next((part.subnet for part in network.ipam if part.subnet), None)
        if given in used:
            raise NetworkError(f"networks.{network.key}: {given} is another network's subnet")
        subnet = given or next(f"10.0.{number}.0/24" for number in range(256) if f"10.0.{number}.0/24" not in used)
        gateway = str(next(IPv4Network(subnet).hosts()))
        mark = sha256(network.name.encode()).hexdigest()
        return NetworkState(
            network.key,
            network.name,
            f"br-{mark[:12]}",
            f"02:00:00:{mark[0:2]}:{mark[2:4]}:{mark[4:6]}",
            subnet,
            gateway,
            network.internal,
            fingerprint,
        )

    def adopt_network(self, network: Network, found: NetworkState, others: Sequence[NetworkState]) -> NetworkState:
        if found.subnet in {other.subnet for other in others}:
            raise NetworkError(f"networks.{network.key}: {found.subnet} is another network's subnet")
        return replace(found, key=network.key, bridge=f"br-{sha256(network.name.encode()).hexdigest()[:12]}")

    def connect(self, name: str, member: str) -> None:
        self.script.begin("connect", f"{name} {member}")

    def disconnect(self, name: str) -> None:
        self.script.begin("disconnect", name)

    def create_network(self, network: NetworkState) -> None:
        self.script.begin("create_network", network.name)
        if not self.sandbox:
            raise NetworkError(f"network {network.name}: the project has no sandbox")
        self.networks[network.bridge] = network

    def remove_network(self, network: NetworkState) -> None:
        self.script.begin("remove_network", network.name)
        self.networks.pop(network.bridge, None)

    def bridges(self) -> frozenset[str]:
        return frozenset(self.networks)

    def attach(self, process: Process, endpoints: Sequence[Endpoint], networks: Mapping[str, NetworkState]) -> None:
        for endpoint in endpoints:
            self.script.begin("attach", endpoint.address)
            if networks[endpoint.network].bridge not in self.networks:
                self.detach(endpoints)
                raise NetworkError(f"network {networks[endpoint.network].name} is not there")
            self.attached[endpoint.peer] = (process.pid, endpoint)

    def detach(self, endpoints: Sequence[Endpoint]) -> None:
        for endpoint in endpoints:
            self.attached.pop(endpoint.peer, None)

    def reserve(self, publications: Sequence[Publication]) -> list[Reservation]:
        got: list[Reservation] = []
        try:
            for publication in publications:
                self.script.begin("reserve", f"{publication.host_port}/{publication.protocol}")
                got.append(self._reserve(publication, got))
        except NetworkError:
            for reservation in got:
                release(reservation)
            raise
        self.reservations += got
        return got

    def _reserve(self, wanted: Publication, earlier: Iterable[Reservation]) -> Reservation:
        first = wanted.host_port or FIRST_FREE_PORT
        last = (wanted.host_port_last or first) if wanted.host_port else 65535
        ours = {key(one.publication) for one in (*self.reservations, *earlier) if any(held.fileno() >= 0 for held in one.held)}
        for port in range(first, last + 1):
            if (wanted.protocol, port) not in ours | self.taken.keys():
                return Reservation(replace(wanted, host_port=port, host_port_last=0), (HeldPort(),))
        holder = self.taken.get((wanted.protocol, first), "this project")
        raise NetworkError(f"port {first}/{wanted.protocol} is taken by {holder}")

    def publish(self, key: str, publications: Sequence[Publication], endpoints: Sequence[Endpoint]) -> None:
        self.script.begin("publish", key)
        if any(endpoint.default_route for endpoint in endpoints):
            self.published[key] = tuple(publications)

    def unpublish(self, key: str) -> None:
        if error := self.script.fail_on.get("unpublish"):
            raise error
        self.published.pop(key, None)

    def resolver_sockets(self) -> tuple[socket.socket, socket.socket]:
        pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[:1] + socket.socketpair()[:1]
        self.resolvers += pair
        return pair

    def open_socket(self, family: int, kind: int) -> socket.socket:
        return socket.socket(family, kind)

    def open_socket_of(self, process: Process, family: int, kind: int) -> socket.socket:  # noqa: ARG002 all share ours
        return socket.socket(family, kind)

    def forward_address(self) -> str:
        return "10.255.0.2"

    def host_address(self) -> str:
        return "10.255.0.1"

    def close(self) -> None:
        """Give back every descriptor that a test left open."""
        for reservation in self.reservations:
            release(reservation)
        for one in self.resolvers:
            one.close()


def key(publication: Publication) -> tuple[str, int]:
    return publication.protocol, publication.host_port


def release(reservation: Reservation) -> None:
    for held in reservation.held:
        held.close()


# ---------------------------------------------------------------- images


@dataclass
class FakeImages:
    """`registry`: what can be pulled, by those who have `access`. `ages`: seconds since a name was pulled. `users`: image id -> who
    uses it."""

    script: Script = field(default_factory=Script)
    registry: dict[str, ImageConfig] = field(default_factory=dict)
    access: Access = NO_ACCESS
    ages: dict[str, float] = field(default_factory=dict)
    users: Callable[[str], Iterable[str]] = lambda _id: ()
    images: dict[str, Image] = field(default_factory=dict)  # by id

    def add(self, reference: str, config: ImageConfig | None = None, *, content: str = "") -> Image:
        """Put an image into the store; another `content` makes another id, and the name moves to it."""
        id_ = sha256(f"{reference} {content}".encode()).hexdigest()
        for one in self.images.values():
            self.images[one.id] = replace(one, names=tuple(name for name in one.names if name != reference))
        self.images[id_] = Image(id_, (reference,), (Path("/layers") / id_[:12],), config or ImageConfig())
        return self.images[id_]

    def find(self, reference: str) -> Image | None:
        return self.images.get(reference) or next((one for one in self.images.values() if reference in one.names), None)

    def age(self, reference: str) -> float | None:
        return self.ages.get(reference, 0.0) if self.find(reference) else None

    def pull(self, reference: str, progress: Progress, access: Access = NO_ACCESS) -> Image:
        self.script.begin("pull", reference)
        if reference not in self.registry or access != self.access:
            raise ImageError(f"{reference}: no such image in the registry")
        progress("1MB/2MB")
        return self.add(reference, self.registry[reference])

    def push(self, reference: str, progress: Progress, access: Access = NO_ACCESS) -> None:
        self.script.begin("push", reference)
        image = self.find(reference)
        if image is None or access != self.access:
            raise ImageError(f"{reference}: cannot be pushed")
        progress("1MB/2MB")
        self.registry[reference] = image.config

    def build(
        self, build: Build, reference: str, progress: Progress, access: Access = NO_ACCESS, *, no_cache: bool = False, pull: bool = False,
        secrets: Mapping[str, Path] = MappingProxyType({}),
    ) -> Image:
        self.script.begin("build", reference)
        progress(f"FROM {build.context} {no_cache} {pull} {access}{''.join(f' {key}' for key in secrets)}")
        return self.add(reference, content=build.model_dump_json())

    def remove(self, reference: str) -> None:
        self.script.begin("remove", reference)
        image = self.find(reference)
        if image is None:
            return
        user = next(iter(self.users(image.id)), None)
        if user:
            raise ImageError(f"image {reference} cannot be removed: {user} uses it")
        del self.images[image.id]


# ---------------------------------------------------------------- storage


@dataclass
class FakeStorage:
    """`missing`: paths on the host that are not there. The records of containers are in the project's folder, and go with them."""

    script: Script = field(default_factory=Script)
    places: ProjectPlaces | None = None
    missing: set[str] = field(default_factory=set)
    made: dict[str, VolumeState] = field(default_factory=dict)
    prepared: dict[str, RootfsRequest] = field(default_factory=dict)
    synced: list[tuple[str, Mirror]] = field(default_factory=list)  # with the service's name
    unsynced: tuple[str, ...] = ()  # what every `sync` complains about

    def volumes(self) -> Mapping[str, VolumeState]:
        return dict(self.made)

    def create_volume(self, volume: VolumeState, definition: Volume | None = None) -> None:
        self.script.begin("create_volume", volume.name)
        if definition is not None and definition.external:
            if volume.name not in self.made:
                raise StorageError(f"volumes.{volume.key}: external volume {volume.name} does not exist")
            return
        self.made.setdefault(volume.name, volume)

    def remove_volume(self, name: str) -> None:
        self.script.begin("remove_volume", name)
        self.made.pop(name, None)

    def check(self, request: RootfsRequest) -> None:
        for mount in request.service.volumes:
            if mount.type == "bind" and not mount.create_host_path and self._missing(mount.source):
                raise StorageError(f"services.{request.service.name}.volumes: {mount.source} does not exist")
        for grant in request.service.secrets:
            self._check_source(request.secrets[grant.source], "secrets")
        for grant in request.service.configs:
            self._check_source(request.configs[grant.source], "configs")

    def _check_source(self, source: FileSource, kind: str) -> None:
        if source.file and self._missing(source.file):
            raise StorageError(f"{kind}.{source.key}.file: {source.file} does not exist")

    def _missing(self, path: str) -> bool:
        return path in self.missing or not Path(path).exists()

    def digests(self, sources: Mapping[str, FileSource]) -> Mapping[str, str]:
        return {key: sha256(source.model_dump_json().encode()).hexdigest() for key, source in sources.items()}

    def prepare(self, request: RootfsRequest) -> Rootfs:
        self.script.begin("prepare", request.service.name)
        self.prepared[request.id] = request
        return Rootfs(Path("/rootfs") / request.id, ())

    def open_inside(self, process: Process, path: str) -> int | None:  # noqa: ARG002 all have our root
        return os.open(path, os.O_PATH) if Path(path).exists() else None

    def sync(
        self, id_: str, mirrors: Sequence[Mirror], *, process: Process | None, holder: Process | None, image: Image | None, differing: bool
    ) -> tuple[str, ...]:
        service = self.prepared[id_].service.name
        self.script.begin("sync", f"{service}{'' if process else ' at rest'}{' if it differs' if differing else ''}")
        assert process is None or holder is not None or image is None
        self.synced += [(service, mirror) for mirror in mirrors]
        return self.unsynced

    def tidy(self, id_: str, process: Process, holder: Process | None) -> None:
        """Nothing is left half-done."""

    def remove_container(self, id_: str) -> None:
        self.prepared.pop(id_, None)
        if self.places:
            remove_tree(self.places.container(id_).folder)


# ---------------------------------------------------------------- runtime


@dataclass
class Living:
    """One container in the runtime's hands."""

    spec: ContainerSpec
    process: Process
    holder: Process
    child: subprocess.Popen[bytes]
    started: bool = False
    ended: Ended | None = None


@dataclass
class FakeRuntime:
    """`deaf_to`: containers (by name) whose PID 1 hears no signal. One that hears a signal ends at once with 128 and 15."""

    script: Script = field(default_factory=Script)
    deaf_to: set[str] = field(default_factory=set)
    ports: dict[int, frozenset[int]] = field(default_factory=dict)  # by pid: what listens
    containers: dict[str, Living] = field(default_factory=dict)
    frozen: set[str] = field(default_factory=set)
    number: int = 0

    def check(self, service: Service) -> None:
        """Everything can be had."""

    def create(self, spec: ContainerSpec, prepare: Callable[[], Rootfs]) -> Created:
        self.script.begin("create", spec.name)
        prepare()
        self.number += 1
        child = subprocess.Popen(["sleep", "3600"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        process, holder = Process(child.pid, self.number, BOOT), Process(1, self.number, BOOT)
        self.containers[spec.id] = Living(spec, process, holder, child)
        return Created(process, holder)

    def start(self, id_: str, runtime: str) -> None:  # noqa: ARG002  # one runtime does it all
        living = self.containers.get(id_)
        if living is None:
            raise ContainerError(f"container {id_[:12]} does not exist")
        self.script.begin("start", living.spec.name)
        living.started = True

    def finish(self, name: str, code: int = 0, *, oom_killed: bool = False, known: bool = True) -> None:
        """PID 1 ends by itself; `known` False: nobody could tell how."""
        living = next(one for one in self.containers.values() if one.spec.name == name)
        self._end(living, Ended(code if known else None, oom_killed))

    def signal(self, process: Process, signal: str) -> None:
        living = self._of(process)
        if living is None:
            return
        self.script.begin("signal", f"{living.spec.name} {signal}")
        if living.spec.name not in self.deaf_to:
            self._end(living, Ended(143))

    def pause(self, id_: str, runtime: str) -> None:  # noqa: ARG002
        self.script.begin("pause", self._there(id_).spec.name)
        self.frozen.add(id_)

    def resume(self, id_: str, runtime: str) -> None:  # noqa: ARG002
        self.script.begin("resume", self._there(id_).spec.name)
        self.frozen.discard(id_)

    def _there(self, id_: str) -> Living:
        if id_ not in self.containers:
            raise ContainerError(f"container {id_[:12]} does not exist")
        return self.containers[id_]

    def kill(self, id_: str, runtime: str, process: Process | None) -> None:  # noqa: ARG002
        living = self.containers.get(id_)
        if living:
            self.script.begin("kill", living.spec.name)
            self._end(living, Ended(137))

    def deaf(self, process: Process, signal: str) -> bool:  # noqa: ARG002
        living = self._of(process)
        return living is not None and living.spec.name in self.deaf_to

    def alive(self, process: Process) -> bool:
        return self._of(process) is not None

    def waits(self, id_: str) -> bool:
        living = self.containers.get(id_)
        return living is not None and not living.started

    def ended(self, id_: str, *, patience: float = 2.0) -> Ended:  # noqa: ARG002  # what is known is known at once
        living = self.containers.get(id_)
        return living.ended if living and living.ended else Ended(None)

    def memory_kills(self, id_: str) -> int:  # noqa: ARG002
        return 0

    def memory_alarm(self, id_: str) -> int | None:  # noqa: ARG002
        return None

    def delete(self, id_: str, runtime: str) -> None:  # noqa: ARG002
        living = self.containers.get(id_)
        if living is None:
            return
        self.script.begin("delete", living.spec.name)
        self._end(living, Ended(137))
        del self.containers[id_]

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
        if id_ not in self.containers:
            raise ContainerError(f"container {id_[:12]} was never started")
        options = [f"{user=}", f"{environment=}", f"{working_dir=}", f"{tty=}", f"{privileged=}", f"{detach=}"]
        return [runtime, "exec", *options, id_, *command]

    def listening(self, process: Process) -> frozenset[int]:
        return self.ports.get(process.pid, frozenset()) if self.alive(process) else frozenset()

    def effort(self, process: Process) -> float:  # noqa: ARG002
        return 0.0

    def commands(self, process: Process) -> tuple[tuple[str, ...], ...]:
        return (("sleep", "infinity"),) if self.alive(process) else ()

    def executable(self, process: Process) -> str:
        return "sleep" if self.alive(process) else ""

    def apart(self, work: Callable[[], T]) -> T:
        return work()

    def enter_supervisor_group(self, *pids: int) -> None:
        """There are no groups."""

    def remove_groups(self) -> None:
        self.script.begin("remove_groups")

    def close(self) -> None:
        """End every process that a test left."""
        for living in self.containers.values():
            self._end(living, Ended(137))

    def _of(self, process: Process) -> Living | None:
        return next((one for one in self.containers.values() if one.process == process and one.ended is None), None)

    def _end(self, living: Living, how: Ended) -> None:
        if living.ended is None:
            living.ended = how
            living.child.kill()
            living.child.wait()


# ---------------------------------------------------------------- the four together


@dataclass
class FakeHost:
    """Four fakes with one script; `host` is what composer gets."""

    places: ProjectPlaces | None = None
    script: Script = field(default_factory=Script)
    network: FakeNetwork = field(init=False)
    images: FakeImages = field(init=False)
    storage: FakeStorage = field(init=False)
    runtime: FakeRuntime = field(init=False)

    def __post_init__(self) -> None:
        self.network, self.images = FakeNetwork(self.script), FakeImages(self.script)
        self.storage, self.runtime = FakeStorage(self.script, self.places), FakeRuntime(self.script)

    @property
    def host(self) -> Host:
        return Host(network=self.network, storage=self.storage, images=self.images, runtime=self.runtime)

    @property
    def fail_on(self) -> dict[str, HostError]:
        return self.script.fail_on

    @property
    def journal(self) -> list[str]:
        return self.script.journal

    def close(self) -> None:
        self.runtime.close()
        self.network.close()
