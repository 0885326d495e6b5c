"""A small world of network namespaces: a host with the driver on it, a neighbour outside, containers that are bare processes.

    outside 198.51.100.2 ---- eth0 198.51.100.1 host ---- projects ---- containers

The machine's own network is never touched: "the host" is a namespace too, and the driver is called by threads inside it.
"""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from composer.model.network import Network, Subnet
from composer.network.driver import SandboxNetwork
from composer.network.namespaces import CLONE_NEWNET, _libc, apart
from composer.observed import Endpoint, NetworkState, Process
from composer.store import Places, project_hash
from tests.eventually import eventually

T = TypeVar("T")

OUTSIDE = "198.51.100.2"
HOST = "198.51.100.1"
MTU = 1450


def fresh_namespace() -> int:
    """A descriptor of a new network namespace, which lives as long as it or a process inside does."""

    def make() -> int:
        assert _libc.unshare(CLONE_NEWNET) == 0
        return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    return apart(make)


def sh(netns: int, command: str) -> str:
    """A shell command's output, run in a namespace."""
    done = apart(lambda: subprocess.run(["sh", "-ec", command], capture_output=True, text=True, check=False), netns=netns)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def ask(netns: int, address: str, port: int, *, kind: str = "tcp", timeout: float = 2.0) -> str:
    """What a server answers: its name and the address that it saw us with."""

    def talk() -> str:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM) as client:
            client.settimeout(timeout)
            client.connect((address, port))
            client.sendall(b"?")
            return client.recv(200).decode()

    return apart(talk, netns=netns)


def reachable(netns: int, address: str, port: int, *, kind: str = "tcp") -> bool:
    """Whether anybody answers within half a second."""
    try:
        ask(netns, address, port, kind=kind, timeout=0.5)
    except OSError:
        return False
    return True


class Server:
    """Answers each connection or datagram with its name and the client's address."""

    def __init__(self, name: str, one: socket.socket) -> None:
        self._name, self._socket, self._over = name, one, threading.Event()
        one.settimeout(0.05)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self._over.is_set():
            try:
                self._answer()
            except (TimeoutError, ConnectionError):
                continue

    def _answer(self) -> None:
        if self._socket.type == socket.SOCK_DGRAM:
            _, client = self._socket.recvfrom(200)
            self._socket.sendto(f"{self._name} {client[0]}".encode(), client)
        else:
            connection, client = self._socket.accept()
            with connection:
                connection.recv(1)
                connection.sendall(f"{self._name} {client[0]}".encode())

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        self._socket.close()


@dataclass
class Box:
    """A container: a process in a network namespace of its own."""

    name: str
    running: subprocess.Popen[bytes]
    netns: int
    endpoints: tuple[Endpoint, ...]

    @property
    def process(self) -> Process:
        return process_of(self.running.pid)

    @property
    def address(self) -> str:
        return self.endpoints[0].address.split("/")[0]

    def end(self) -> None:
        self.running.kill()
        self.running.wait()
        os.close(self.netns)
        self.netns = -1


def process_of(pid: int) -> Process:
    """The process as a record has it."""
    start_time = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    return Process(pid, start_time, Path("/proc/sys/kernel/random/boot_id").read_text().strip())


class OnHost:
    """The driver, each call made by a thread in the world's host namespace."""

    def __init__(self, driver: SandboxNetwork, netns: int) -> None:
        self._driver, self._netns = driver, netns

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._driver, name)
        return lambda *arguments, **named: apart(lambda: method(*arguments, **named), netns=self._netns)


@dataclass
class Project:
    """A project with its sandbox made, and what a test does with it."""

    world: World
    name: str
    network: OnHost
    hash: str
    netns_path: Path
    networks: dict[str, NetworkState] = field(default_factory=dict)
    used: int = 0

    @property
    def netns(self) -> int:
        return self.world.keep(os.open(self.netns_path, os.O_RDONLY | os.O_CLOEXEC))

    def add(self, key: str, *, internal: bool = False, subnet: str | None = None) -> NetworkState:
        ipam = (Subnet(subnet=subnet),) if subnet else ()
        model = Network(key=key, name=f"{self.name}_{key}", internal=internal, ipam=ipam)
        state: NetworkState = self.network.plan_network(model, tuple(self.networks.values()), "f")
        self.networks[key] = state
        self.network.create_network(state)
        return state

    def endpoint(self, key: str, interface: str, *, default_route: bool) -> Endpoint:
        """The next address of a network."""
        self.used += 1
        network = self.networks[key]
        address = network.subnet.replace(".0/", f".{self.used + 1}/")
        mac = "02:42:" + ":".join(f"{int(part):02x}" for part in address.split("/")[0].split("."))
        return Endpoint(key, interface, f"v{self.name[:4]}{self.used}", address, network.gateway, mac, (), default_route)

    def box(self, name: str, *keys: str, endpoints: tuple[Endpoint, ...] = ()) -> Box:
        """A container on these networks, attached; the first that is not internal has the default route."""
        way_out = next((key for key in keys if not self.networks[key].internal), None)
        endpoints = endpoints or tuple(self.endpoint(key, f"eth{index}", default_route=key == way_out) for index, key in enumerate(keys))
        box = self.world.bare_box(name, endpoints)
        self.network.attach(box.process, endpoints, self.networks)
        return box


@dataclass
class World:
    folder: Path
    stack: ExitStack
    host: int = -1
    outside: int = -1

    def keep(self, descriptor: int) -> int:
        self.stack.callback(os.close, descriptor)
        return descriptor

    def project(self, name: str, *, root: str = "root") -> Project:
        """A project whose sandbox is made; removed at the end, if the test has not done so."""
        hash_ = project_hash(name, str(self.folder))
        places = Places(self.folder / root, self.folder / "run").project(hash_)
        network = OnHost(SandboxNetwork(places), self.host)
        self.stack.callback(network.remove_sandbox)
        network.create_sandbox()
        return Project(self, name, network, hash_, places.netns)

    def bare_box(self, name: str, endpoints: tuple[Endpoint, ...] = ()) -> Box:
        """A process in a fresh namespace, with nothing attached."""
        running = subprocess.Popen(["unshare", "-n", "sleep", "600"])
        outer = os.stat("/proc/self/ns/net").st_ino
        eventually(lambda: os.stat(f"/proc/{running.pid}/ns/net").st_ino != outer)
        box = Box(name, running, os.open(f"/proc/{running.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC), endpoints)
        self.stack.callback(lambda: box.netns >= 0 and box.end())
        return box

    def serve(self, name: str, netns: int, port: int, *, address: str = "0.0.0.0", kind: str = "tcp") -> Server:
        """A server in a namespace."""

        def listen() -> socket.socket:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            one = socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind((address, port))
            if kind == "tcp":
                one.listen()
            return one

        server = Server(name, apart(listen, netns=netns))
        self.stack.callback(server.close)
        return server

    def on_host(self, work: Callable[[], T]) -> T:
        return apart(work, netns=self.host)

    def links(self) -> set[str]:
        return set(self.on_host(lambda: [name for _, name in socket.if_nameindex()]))

    def rules(self) -> str:
        return sh(self.host, "nft list ruleset")


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Made fresh; at the end nothing is left of it."""
    with ExitStack() as stack:
        made = World(folder, stack)
        made.host, made.outside = made.keep(fresh_namespace()), made.keep(fresh_namespace())
        sh(made.host, "ip link set lo up; sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.all.rp_filter=0")
        sh(made.outside, "ip link set lo up")
        sh(made.host, f"ip link add eth0 mtu {MTU} type veth peer name eth0 netns /proc/{os.getpid()}/fd/{made.outside}")
        sh(made.host, f"ip address add {HOST}/24 dev eth0; ip link set eth0 up; ip route add default via {OUTSIDE}")
        sh(made.outside, f"ip address add {OUTSIDE}/24 dev eth0; ip link set eth0 mtu {MTU} up")
        yield made
