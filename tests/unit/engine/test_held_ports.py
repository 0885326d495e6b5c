"""The host's ports: taken all or none, changing hands inside a plan, given back at the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import pytest

from composer.engine.ports import Ports, publications
from composer.errors import NetworkError
from composer.host import Reservation
from composer.model.ports import Port
from composer.observed import Publication
from tests.fakes import FakeNetwork


@pytest.fixture
def network() -> Iterator[FakeNetwork]:
    made = FakeNetwork()
    yield made
    made.close()


@pytest.fixture
def ports(network: FakeNetwork) -> Ports:
    return Ports(network)


def on(port: int, *, to: int = 80, ip: str = "", last: int = 0) -> tuple[Publication, ...]:
    return (Publication(ip, port, to, "tcp", last),)


def have(ports: Ports) -> dict[str, list[int]]:
    return {name: [one.host_port for one in ports.of(name)] for name in sorted(ports.held)}


def open_sockets(network: FakeNetwork) -> int:
    return sum(held.fileno() >= 0 for one in network.reservations for held in one.held)


def test_what_the_file_says_becomes_publications() -> None:
    """One port, any port, one of a range, one address, udp."""
    asked = (
        Port(target=80, published="8080"),
        Port(target=81),
        Port(target=82, published="9000-9010", host_ip="127.0.0.1", protocol="udp"),
    )
    assert publications(asked) == (Publication("", 8080, 80), Publication("", 0, 81), Publication("127.0.0.1", 9000, 82, "udp", 9010))


def test_all_ports_are_taken_or_none(ports: Ports, network: FakeNetwork) -> None:
    """The second container's port is taken: the first one's is free again."""
    network.taken["tcp", 81] = "nginx"
    with pytest.raises(NetworkError, match="taken by nginx"):
        ports.claim({"a": on(80), "b": on(81)}, ())
    assert (have(ports), open_sockets(network)) == ({}, 0)


def test_a_failed_claim_leaves_what_was_held(ports: Ports, network: FakeNetwork) -> None:
    """The container that runs keeps its old port."""
    ports.claim({"a": on(80)}, ())
    network.taken["tcp", 81] = "nginx"
    with pytest.raises(NetworkError):
        ports.claim({"a": on(81)}, ["a"])
    assert (have(ports), open_sockets(network)) == ({"a": [80]}, 1)


def test_what_is_held_already_is_kept(ports: Ports, network: FakeNetwork) -> None:
    """The very same socket: nobody else gets a chance."""
    ports.claim({"a": on(80)}, ())
    before = ports.held["a"][0].held
    ports.claim({"a": on(80)}, ["a"])
    assert ports.held["a"][0].held == before
    assert len(network.reservations) == 1


def test_a_port_changes_hands(ports: Ports, network: FakeNetwork) -> None:
    """From a container that ends to one that starts, also to another container port."""
    ports.claim({"old": on(80)}, ())
    ports.settle(["old"])
    ports.claim({"new": on(80, to=8000)}, ["old"])
    assert (have(ports), open_sockets(network)) == ({"new": [80]}, 1)
    assert ports.of("new")[0].container_port == 8000


def test_two_containers_swap_their_ports(ports: Ports) -> None:
    """Both are recreated by the same plan."""
    ports.claim({"a": on(80), "b": on(81)}, ())
    ports.settle(["a", "b"])
    ports.claim({"a": on(81), "b": on(80)}, ["a", "b"])
    assert have(ports) == {"a": [81], "b": [80]}


def test_one_that_does_not_end_keeps_its_port(ports: Ports) -> None:
    """Two containers of the project cannot have the same."""
    ports.claim({"a": on(80)}, ())
    with pytest.raises(NetworkError, match="this project"):
        ports.claim({"b": on(80)}, ())
    assert have(ports) == {"a": [80]}


def test_a_random_port_stays_the_containers_own(ports: Ports) -> None:
    """As long as it is there; another container gets another."""
    ports.claim({"a": on(0)}, ())
    (first,) = ports.of("a")
    ports.claim({"a": on(0), "b": on(0)}, ["a"])
    assert ports.of("a") == (first,)
    assert ports.of("b")[0].host_port != first.host_port


def test_a_range_gives_any_free_one(ports: Ports, network: FakeNetwork) -> None:
    """`8000-8010`: each replica has one."""
    network.taken["tcp", 8000] = "nginx"
    ports.claim({"a": on(8000, last=8010), "b": on(8000, last=8010)}, ())
    assert have(ports) == {"a": [8001], "b": [8002]}


def test_claimed_ports_outlive_the_end_of_what_had_the_name(ports: Ports, network: FakeNetwork) -> None:
    """A plan stops and removes a container before it makes the next of that name."""
    ports.claim({"a": on(80)}, ())
    ports.release("a")
    assert have(ports) == {"a": [80]}
    ports.settle(["a"])
    ports.release("a")
    assert (have(ports), open_sockets(network)) == ({}, 0)


def test_the_guard_is_told_of_every_change(ports: Ports) -> None:
    """It holds the sockets too: what it holds is what we hold."""
    guard: set[tuple[str, Publication]] = set()

    def hold(name: str, one: Reservation) -> None:
        guard.add((name, one.publication))

    def drop(name: str, one: Reservation) -> None:
        guard.remove((name, one.publication))

    ports.on_hold, ports.on_drop = hold, drop
    for wanted, ending in (({"a": on(80), "b": on(81)}, ()), ({"c": on(80), "a": on(82)}, ("a",)), ({"c": on(80, to=1)}, ("c",))):
        ports.claim(wanted, ending)
        assert guard == {(name, one) for name in ports.held for one in ports.of(name)}
        ports.settle(wanted)
    for name in ("a", "b", "c"):
        ports.release(name)
    assert guard == set()


def test_what_the_guard_kept_is_taken_over(ports: Ports, network: FakeNetwork) -> None:
    """A new supervisor goes on with the sockets of the former."""
    (kept,) = network.reserve(on(80))
    ports.adopt("a", kept)
    ports.claim({"a": on(80)}, ())
    assert (have(ports), len(network.reservations)) == ({"a": [80]}, 1)


def test_a_container_that_ends_while_a_plan_claims_keeps_its_port_for_the_plan(ports: Ports, network: FakeNetwork) -> None:
    """What a claim has decided to keep is not given back by another thread in the middle of it."""
    ports.claim({"a": on(80)}, ())
    ports.settle(["a"])
    release = threading.Thread(target=ports.release, args=("a",))
    reserve = network.reserve

    def interrupted(wanted: Sequence[Publication]) -> list[Reservation]:
        release.start()
        release.join(0.05)
        return reserve(wanted)

    network.reserve = interrupted  # type: ignore[method-assign]
    ports.claim({"a": on(80), "b": on(81)}, ())
    release.join()
    assert have(ports) == {"a": [80], "b": [81]}
    assert open_sockets(network) == 2
