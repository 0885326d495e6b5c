"""Published ports, from everywhere that a user may ask from."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from composer.errors import NetworkError
from composer.network import firewall
from composer.network.namespaces import apart
from composer.observed import Publication
from tests.eventually import eventually
from tests.network_world import HOST, OUTSIDE, Box, Project, World, ask, reachable, sh, world

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        sh(made.host, "ip address add 198.51.100.3/24 dev eth0")
        yield made


@pytest.fixture
def shop(bench: World) -> Project:
    """Web on front, client on front, db on the internal back, other on side."""
    project = bench.project("shop")
    for key in ("front", "side"):
        project.add(key)
    project.add("back", internal=True)
    return project


def serve(project: Project, *keys: str, name: str = "web", port: int = 80, kind: str = "tcp") -> Box:
    box = project.box(name, *keys)
    project.world.serve(name, box.netns, port, kind=kind)
    return box


@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_published_port_answers_from_everywhere(bench: World, shop: Project, kind: str) -> None:
    """From outside (with the client's own address), by the host's address, by 127.0.0.1, and from containers of any
    network by the host's address and by host.docker.internal."""
    web, client, other = serve(shop, "front", kind=kind), shop.box("client", "front"), shop.box("other", "side")
    shop.network.publish("web", (Publication("", 8080, 80, kind),), web.endpoints)  # type: ignore[arg-type]
    host_end = shop.network.host_address()
    assert ask(bench.outside, HOST, 8080, kind=kind) == f"web {OUTSIDE}"
    assert ask(bench.host, HOST, 8080, kind=kind) == f"web {HOST}"
    assert ask(bench.host, "127.0.0.1", 8080, kind=kind) == f"web {host_end}"
    assert ask(bench.host, shop.network.forward_address(), 8080, kind=kind) == f"web {host_end}"
    for box in (web, client, other):
        assert ask(box.netns, HOST, 8080, kind=kind) == f"web {host_end}"
        assert ask(box.netns, host_end, 8080, kind=kind) == f"web {host_end}"


def test_another_project_reaches_it_by_the_hosts_address(bench: World, shop: Project) -> None:
    """Containers of other projects are clients like any other."""
    web = serve(shop, "front")
    shop.network.publish("web", (Publication("", 8080, 80),), web.endpoints)
    office = bench.project("office")
    office.add("front")
    client = office.box("client", "front")
    assert ask(client.netns, HOST, 8080).startswith("web ")
    assert ask(client.netns, office.network.host_address(), 8080).startswith("web ")
    assert not reachable(client.netns, shop.network.forward_address(), 8080)


def test_host_ip_binds_to_one_address(bench: World, shop: Project) -> None:
    """A port of one host address answers there and nowhere else; 127.0.0.1 not from outside, not even past the host's rules."""
    local, near = serve(shop, "front", name="local"), serve(shop, "side", name="near")
    shop.network.publish("local", (Publication("127.0.0.1", 8080, 80),), local.endpoints)
    shop.network.publish("near", (Publication("198.51.100.3", 8081, 80),), near.endpoints)
    assert ask(bench.host, "127.0.0.1", 8080).startswith("local ")
    assert not reachable(bench.host, HOST, 8080)
    assert not reachable(bench.outside, HOST, 8080)
    assert ask(bench.outside, "198.51.100.3", 8081) == f"near {OUTSIDE}"
    assert not reachable(bench.outside, HOST, 8081)
    assert not reachable(bench.host, "127.0.0.1", 8081)
    project_end = shop.network.forward_address()
    sh(bench.outside, f"ip route add {project_end}/32 via {HOST}")
    assert ask(bench.host, project_end, 8080).startswith("local ")
    assert not reachable(bench.outside, project_end, 8080)


def test_two_addresses_publish_one_number(bench: World, shop: Project) -> None:
    """One number on two host addresses leads to two containers."""
    one, two = serve(shop, "front", name="one"), serve(shop, "side", name="two")
    shop.network.publish("one", (Publication("127.0.0.1", 8080, 80),), one.endpoints)
    shop.network.publish("two", (Publication(HOST, 8080, 80),), two.endpoints)
    assert ask(bench.host, "127.0.0.1", 8080).startswith("one ")
    assert ask(bench.outside, HOST, 8080) == f"two {OUTSIDE}"


def test_loopback_of_host_and_project_is_out_of_reach(bench: World, shop: Project) -> None:
    """route_localnet on uplink and bridges opens nothing: what comes in for 127.0.0.0/8 is dropped, but for the resolver's address."""
    web = serve(shop, "front")
    shop.network.publish("web", (Publication("127.0.0.1", 8080, 80),), web.endpoints)
    for name, netns in (("host", bench.host), ("project", shop.netns)):
        bench.serve(name, netns, 9000, address="127.0.0.9")
    sh(web.netns, f"ip route add 127.0.0.9/32 via {shop.networks['front'].gateway} table local src {web.address}")
    assert not reachable(web.netns, "127.0.0.9", 9000)
    sh(shop.netns, "nft flush chain inet composer loopback")
    assert ask(web.netns, "127.0.0.9", 9000).startswith("project ")  # so it was that chain

    sh(shop.netns, "sysctl -qw net.ipv4.conf.uplink.route_localnet=1")
    sh(shop.netns, f"ip route add 127.0.0.9/32 via {shop.network.host_address()} table local src {shop.network.forward_address()}")
    assert not reachable(shop.netns, "127.0.0.9", 9000)
    sh(bench.host, f"nft flush chain inet composer_{shop.hash} loopback")
    assert ask(shop.netns, "127.0.0.9", 9000).startswith("host ")


def test_neighbours_loopback_is_out_of_reach(bench: World, shop: Project) -> None:
    """route_localnet in a container does not show its loopback to the others on the bridge."""
    web, spy = shop.box("web", "front"), shop.box("spy", "front")
    bench.serve("open", web.netns, 9000)
    sh(spy.netns, f"ip route add 127.0.0.9/32 via {web.address} table local src {spy.address}")
    assert not reachable(spy.netns, "127.0.0.9", 9000)
    sh(shop.netns, "nft delete table bridge composer")
    assert ask(spy.netns, "127.0.0.9", 9000).startswith("open ")  # so it was that rule


def test_internal_networks_publish_nothing(bench: World, shop: Project) -> None:
    """A container that is only on internal networks is not reachable; one that is on another too is reached by that one."""
    hidden, both = serve(shop, "back", name="hidden"), serve(shop, "back", "front", name="both")
    shop.network.publish("hidden", (Publication("", 8080, 80),), hidden.endpoints)
    shop.network.publish("both", (Publication("", 8081, 80),), both.endpoints)
    assert ask(bench.outside, HOST, 8081) == f"both {OUTSIDE}"
    assert not reachable(bench.outside, HOST, 8080)
    assert not reachable(bench.host, "127.0.0.1", 8080)


def test_unpublish_ends_it_and_others_stay(bench: World, shop: Project) -> None:
    """Stopping one container closes its ports; publishing again, also by another driver object, replaces what was."""
    one, two = serve(shop, "front", name="one"), serve(shop, "front", name="two")
    shop.network.publish("one", (Publication("", 8080, 80), Publication("", 8082, 80)), one.endpoints)
    shop.network.publish("two", (Publication("", 8081, 80),), two.endpoints)
    assert ask(bench.outside, HOST, 8082).startswith("one ")
    again = bench.project("shop")
    again.network.publish("one", (Publication("", 8080, 80),), one.endpoints)
    assert ask(bench.outside, HOST, 8080).startswith("one ")
    assert not reachable(bench.outside, HOST, 8082)
    again.network.unpublish("one")
    again.network.unpublish("one")
    assert not reachable(bench.outside, HOST, 8080)
    assert ask(bench.outside, HOST, 8081).startswith("two ")


def test_many_at_once(bench: World, shop: Project) -> None:
    """Ports of many containers are published and withdrawn side by side, and each is right."""
    boxes = [serve(shop, "front", name=f"c{number}") for number in range(8)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda box: shop.network.publish(box.name, (Publication("", 8000 + int(box.name[1:]), 80),), box.endpoints), boxes))
        for number in range(8):
            assert ask(bench.outside, HOST, 8000 + number) == f"c{number} {OUTSIDE}"
        list(pool.map(lambda box: shop.network.unpublish(box.name), boxes[1:]))
    assert ask(bench.outside, HOST, 8000).startswith("c0 ")
    assert [number for number in range(8) if f"tcp . 800{number}" in bench.rules()] == [0]
    assert [number for number in range(8) if f"tcp . 800{number}" in sh(shop.netns, "nft list ruleset")] == [0]


def test_udp_client_follows_the_container(bench: World, shop: Project) -> None:
    """A client that keeps sending from one port reaches the new container at once, also if it sent while there was none."""
    one, two = serve(shop, "front", name="one", port=53, kind="udp"), serve(shop, "side", name="two", port=53, kind="udp")
    bound = shop.network.reserve((Publication("", 5353, 53, "udp"),))
    client = apart(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM), netns=bench.outside)

    def answer() -> str:
        client.settimeout(0.2)
        client.sendto(b"?", (HOST, 5353))
        return client.recv(100).decode()

    with client:
        with pytest.raises(TimeoutError):
            answer()
        for name, box in (("one", one), ("two", two)):
            shop.network.publish("web", (Publication("", 5353, 53, "udp"),), box.endpoints)
            assert eventually(answer, 3) == f"{name} {OUTSIDE}"
            shop.network.unpublish("web")
            shop.network.detach(box.endpoints)
            with pytest.raises(TimeoutError):
                answer()
    for held in (*bound[0].held, bound[0].forward):
        if held:
            held.close()


def test_flushed_rules_come_back(bench: World, shop: Project) -> None:
    """After another tool flushed the host's rules, publishing works for new containers, and heal brings the others back."""
    one, two = serve(shop, "front", name="one"), serve(shop, "front", name="two")
    shop.network.publish("one", (Publication("", 8080, 80),), one.endpoints)
    sh(bench.host, "nft flush ruleset")
    assert not reachable(bench.outside, HOST, 8080)
    shop.network.heal()
    assert ask(bench.outside, HOST, 8080) == f"one {OUTSIDE}"
    sh(bench.host, "nft flush ruleset")
    shop.network.publish("two", (Publication("", 8081, 80),), two.endpoints)
    assert ask(bench.outside, HOST, 8080) == f"one {OUTSIDE}"
    assert ask(bench.outside, HOST, 8081) == f"two {OUTSIDE}"


@pytest.mark.parametrize("step", ["change_leads", "change_host_leads"])
@pytest.mark.parametrize("late", [False, True])
def test_a_change_that_was_cut_short_is_made_good_by_the_next(
    bench: World, shop: Project, monkeypatch: pytest.MonkeyPatch, step: str, late: bool
) -> None:
    """nft was killed before or after the kernel had taken what it said: nobody knows, so the kernel is asked."""
    web, other = serve(shop, "front"), serve(shop, "side", name="other", port=81)
    shop.network.publish("web", (Publication("", 8080, 80),), web.endpoints)
    real = getattr(firewall, step)

    def cut_short(*arguments: object) -> None:
        if late:
            real(*arguments)
        raise NetworkError("nft failed with exit code -9")

    with monkeypatch.context() as patched:
        patched.setattr(firewall, step, cut_short)
        with pytest.raises(NetworkError):
            shop.network.unpublish("web")
    shop.network.publish("other", (Publication("", 8081, 81),), other.endpoints)
    shop.network.unpublish("web")
    assert not reachable(bench.outside, HOST, 8080)
    assert ask(bench.outside, HOST, 8081) == f"other {OUTSIDE}"
