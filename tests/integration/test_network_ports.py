"""Reserving the host's ports."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from composer.errors import NetworkError
from composer.host import Reservation
from composer.network.namespaces import apart
from composer.network.ports import release
from composer.observed import Container, Publication
from composer.store import write_json
from tests.network_world import OnHost, World, sh, world

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")]


class Keeper:
    """Reserves, and gives all back at the end."""

    def __init__(self, network: OnHost) -> None:
        self._network = network
        self.got: list[Reservation] = []

    def __call__(self, *publications: Publication) -> Sequence[Reservation]:
        reservations: list[Reservation] = self._network.reserve(publications)
        self.got += reservations
        return reservations


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


@pytest.fixture
def reserve(bench: World) -> Iterator[Keeper]:
    keeper = Keeper(bench.project("shop").network)
    yield keeper
    for reservation in keeper.got:
        release(reservation)


def server(bench: World, address: str, port: int, *, kind: socket.SocketKind = socket.SOCK_STREAM, reuse: bool = True) -> socket.socket:
    """What a program on the host would open."""

    def listen() -> socket.socket:
        one = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
        try:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(reuse))
            one.bind((address, port))
            if kind == socket.SOCK_STREAM:
                one.listen()
        except OSError:
            one.close()
            raise
        return one

    return apart(listen, netns=bench.host)


@contextmanager
def supervisor(bench: World, address: str, port: int) -> Iterator[None]:
    """A process that is called what supervisors are called, with a listening socket."""
    program = "import setproctitle, socket, sys; setproctitle.setproctitle('composer: office'); print(flush=True); sys.stdin.read()"
    with server(bench, address, port) as one:
        one.set_inheritable(True)
        child = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=(one.fileno(),))
    with child:
        assert child.stdout is not None
        child.stdout.readline()
        yield
        child.communicate()


def test_reserved_port_keeps_others_out_and_refuses_clients(bench: World, reserve: Keeper) -> None:
    """Nobody else gets the port; IPv4 does not listen, IPv6 does, for the forwarder."""
    (tcp, udp) = reserve(Publication("", 8080, 80), Publication("", 5353, 53, "udp"))
    assert tcp.publication == Publication("", 8080, 80)
    assert tcp.forward is not None
    assert udp.forward is not None
    for address in ("0.0.0.0", "127.0.0.1", "::"):
        with pytest.raises(OSError, match="in use"):
            server(bench, address, 8080)
        with pytest.raises(OSError, match="in use"):
            server(bench, address, 5353, kind=socket.SOCK_DGRAM, reuse=False)
    with pytest.raises(ConnectionRefusedError):
        apart(lambda: socket.create_connection(("127.0.0.1", 8080), 1), netns=bench.host)
    apart(lambda: socket.create_connection(("::1", 8080), 1), netns=bench.host).close()
    assert tcp.forward.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 1


def test_families_by_host_ip(reserve: Keeper) -> None:
    """An IPv4 address has no IPv6 socket, an IPv6 address no IPv4 one, and each is bound where asked."""
    v4, v6, every = reserve(Publication("127.0.0.1", 8080, 80), Publication("::1", 8080, 80), Publication("0.0.0.0", 8081, 80))
    assert ([one.getsockname() for one in v4.held], v4.forward) == ([("127.0.0.1", 8080)], None)
    assert v6.held == ()
    assert v6.forward is not None
    assert v6.forward.getsockname()[:2] == ("::1", 8080)
    assert every.forward is None


def test_free_ports_and_ranges(bench: World, reserve: Keeper) -> None:
    """0 gives one number for both families, a range its first free port, and fixed ports go first whatever the order."""
    with server(bench, "127.0.0.1", 9000):
        free, ranged, fixed = reserve(Publication("", 0, 80), Publication("", 9000, 80, "tcp", 9003), Publication("", 9001, 80))
    assert free.publication.host_port == free.held[0].getsockname()[1] == (free.forward or free.held[0]).getsockname()[1] > 0
    assert ranged.publication == Publication("", 9002, 80)
    assert fixed.publication.host_port == 9001


@pytest.mark.parametrize(("address", "kind"), [("0.0.0.0", "tcp"), ("127.0.0.1", "tcp"), ("::", "tcp"), ("0.0.0.0", "udp")])
def test_taken_port_names_its_holder(bench: World, reserve: Keeper, address: str, kind: str) -> None:
    """The message says which process has the port, and nothing of the call is kept."""
    with server(bench, address, 8080, kind=socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM):
        with pytest.raises(NetworkError) as caught:
            reserve(Publication("", 7000, 80), Publication("", 8080, 80, kind))  # type: ignore[arg-type]
        comm = Path("/proc/self/comm").read_text().strip()
        assert caught.value.message == f"port 8080/{kind} is taken by {comm} (process {os.getpid()})"
    reserve(Publication("", 7000, 80), Publication("", 8080, 80, kind))  # type: ignore[arg-type]


def test_port_of_another_project_names_its_container(bench: World, reserve: Keeper) -> None:
    """A reserved port is in no list of sockets; the records say whose it is."""
    office = bench.project("office")
    places = office.network._driver._places
    write_json(places.project_file, {"name": "office"})
    record = Container("a" * 64, "office-db-1", "db", 1, publications=(Publication("", 5432, 5432),))
    write_json(places.container(record.id).record, record.to_json())
    taken = r"port 127\.0\.0\.1:5432/tcp is taken by container office-db-1 of project office"
    held = office.network.reserve((Publication("0.0.0.0", 5432, 5432),))
    try:
        with pytest.raises(NetworkError, match=taken):
            reserve(Publication("127.0.0.1", 5432, 5432))
    finally:
        release(held[0])
    with supervisor(bench, "::", 5432), pytest.raises(NetworkError, match=taken):
        reserve(Publication("127.0.0.1", 5432, 5432))


def test_published_twice(reserve: Keeper) -> None:
    """One port twice in a call is said as such; on different addresses, or protocols, it is none."""
    with pytest.raises(NetworkError, match="8080/tcp is published twice"):
        reserve(Publication("", 8080, 80), Publication("127.0.0.1", 8080, 81))
    reserve(Publication("127.0.0.1", 8080, 80), Publication("127.0.0.2", 8080, 81), Publication("", 8080, 80, "udp"))


def test_port_with_closed_connections_is_free(bench: World, reserve: Keeper) -> None:
    """Connections in TIME_WAIT, of a server that ended just now, do not keep the port; it is ours alone all the same."""

    def leave_time_wait() -> None:
        with socket.create_server(("127.0.0.1", 8080)) as listening, socket.create_connection(("127.0.0.1", 8080)):
            listening.accept()[0].close()

    apart(leave_time_wait, netns=bench.host)
    with pytest.raises(OSError, match="in use"):
        server(bench, "0.0.0.0", 8080, reuse=False)
    reserve(Publication("0.0.0.0", 8080, 80))
    with pytest.raises(OSError, match="in use"):
        server(bench, "127.0.0.1", 8080)
    with pytest.raises(NetworkError, match="is taken"):
        reserve(Publication("0.0.0.0", 8080, 80))
    with pytest.raises(ConnectionRefusedError):
        apart(lambda: socket.create_connection(("127.0.0.1", 8080), 1), netns=bench.host)


def test_address_that_is_not_the_hosts(reserve: Keeper) -> None:
    """A host_ip of another machine is an error that says so."""
    for address in ("203.0.113.9", "2001:db8::1"):
        with pytest.raises(NetworkError) as caught:
            reserve(Publication(address, 8080, 80))
        assert caught.value.hint == f"{address} is not an address of this host"


def test_host_without_ipv6(bench: World, reserve: Keeper) -> None:
    """Where IPv6 is switched off, publishing on all addresses is publishing on IPv4."""
    sh(bench.host, "sysctl -qw net.ipv6.conf.all.disable_ipv6=1")
    assert reserve(Publication("", 8080, 80))[0].held[0].getsockname() == ("0.0.0.0", 8080)
