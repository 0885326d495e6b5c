"""What a container finds in its network namespace, and what is left of it afterwards."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from composer.errors import NetworkError
from composer.network.namespaces import apart
from composer.observed import Publication
from tests.eventually import eventually
from tests.network_world import HOST, OUTSIDE, Project, Server, World, ask, reachable, sh, world

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


@pytest.fixture
def shop(bench: World) -> Project:
    project = bench.project("shop")
    project.add("front")
    project.add("back", internal=True)
    return project


def test_interfaces_addresses_and_routes(shop: Project) -> None:
    """lo and one interface a network with its address, broadcast address and MAC; the default route by the network that leads out;
    IPv6 on lo alone."""
    box = shop.box("web", "back", "front")
    shown = sh(box.netns, "ip -o address; ip -o link")
    for endpoint in box.endpoints:
        assert f"{endpoint.interface}    inet {endpoint.address} brd " in shown
        assert f"link/ether {endpoint.mac} " in shown
    assert "::1/128" in shown
    assert "fe80" not in shown
    assert sh(box.netns, "ip route show default").split()[:5] == ["default", "via", shop.networks["front"].gateway, "dev", "eth1"]


def test_nothing_to_attach_leaves_lo(shop: Project) -> None:
    """network_mode none: loopback works, and that is all."""
    box = shop.world.bare_box("alone")
    shop.network.attach(box.process, (), {})
    assert "LOOPBACK,UP" in sh(box.netns, "ip -o link")
    assert sh(box.netns, "ip -o link").count("\n") == 1


@pytest.mark.parametrize("keys", [("front",), ("back",), ("back", "front")])
def test_resolver_is_at_its_address_and_sees_who_asks(bench: World, shop: Project, keys: tuple[str, ...]) -> None:
    """127.0.0.11 answers over UDP and TCP, on internal networks too, sees the container's own address, and leaves port 53 of the
    container free."""
    udp, tcp = shop.network.resolver_sockets()
    servers = [Server("resolver", udp), Server("resolver", tcp)]
    try:
        first, second = shop.box("first", *keys), shop.box("second", *keys)
        bench.serve("own", first.netns, 53, kind="udp")
        for box in (first, second):
            seen = next((end.address for end in box.endpoints if end.default_route), box.endpoints[0].address).split("/")[0]
            assert ask(box.netns, "127.0.0.11", 53, kind="udp") == f"resolver {seen}"
            assert ask(box.netns, "127.0.0.11", 53) == f"resolver {seen}"
        assert not reachable(bench.outside, HOST, 53, kind="udp")
    finally:
        for server in servers:
            server.close()


def test_resolver_sockets_can_be_had_again(shop: Project) -> None:
    """A new supervisor gets the address at once when the former one is gone."""
    for _ in range(2):
        for one in shop.network.resolver_sockets():
            one.close()


def test_many_at_once(bench: World, shop: Project) -> None:
    """Four attaches at a time, eight containers: each is whole."""
    bench.serve("far", bench.outside, 80)
    boxes = [bench.bare_box(f"c{number}", (shop.endpoint("front", "eth0", default_route=True),)) for number in range(8)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda box: shop.network.attach(box.process, box.endpoints, shop.networks), boxes))
    for box in boxes:
        assert ask(box.netns, OUTSIDE, 80) == f"far {HOST}"


def test_attaching_is_fast(bench: World, shop: Project) -> None:
    """A container's network takes milliseconds, not the tens that a helper process would (median of eight; bound far above 5 ms)."""
    boxes = [bench.bare_box(f"c{number}", (shop.endpoint("front", "eth0", default_route=True),)) for number in range(8)]
    times = []
    for box in boxes:
        begin = time.perf_counter()
        shop.network.attach(box.process, box.endpoints, shop.networks)
        times.append(time.perf_counter() - begin)
    assert sorted(times)[4] < 0.05


def test_an_address_moves_to_another_container_at_once(bench: World, shop: Project) -> None:
    """A neighbour that remembers an address reaches its new container without waiting: address and MAC move together."""
    client, old = shop.box("client", "front"), shop.box("old", "front")
    bench.serve("old", old.netns, 80)
    assert ask(client.netns, old.address, 80).startswith("old ")
    shop.network.detach(old.endpoints)
    new = shop.box("new", endpoints=(replace(old.endpoints[0], peer="vnew"),))
    bench.serve("new", new.netns, 80)
    assert ask(client.netns, new.address, 80, timeout=0.3).startswith("new ")


def test_the_same_endpoints_attach_again_after_an_end(shop: Project) -> None:
    """A restarted container has the same interfaces, though the kernel may still hold the former namespace."""
    first = shop.box("web", "front")
    keeper = os.dup(first.netns)
    try:
        first.end()
        second = shop.box("web", endpoints=first.endpoints)
        assert second.endpoints[0].address in sh(second.netns, "ip -o address")
        assert sh(shop.netns, "ip -o link").count(f" {first.endpoints[0].peer}@") == 1
    finally:
        os.close(keeper)


def test_failed_attach_is_undone(bench: World, shop: Project) -> None:
    """When one interface cannot be made, none is left."""
    good = shop.endpoint("front", "eth0", default_route=True)
    bad = replace(shop.endpoint("back", "eth1", default_route=False), mac="01:00:00:00:00:01")
    box = bench.bare_box("web", (good, bad))
    with pytest.raises(NetworkError):
        shop.network.attach(box.process, (good, bad), shop.networks)
    assert sh(box.netns, "ip -o link").count("\n") == 1
    assert good.peer not in sh(shop.netns, "ip -o link")


def test_a_process_that_ended_is_an_error(bench: World, shop: Project) -> None:
    """A process number that is another's by now, or nobody's, is refused in words."""
    box = bench.bare_box("web")
    endpoint = shop.endpoint("front", "eth0", default_route=True)
    with pytest.raises(NetworkError, match="has ended"):
        shop.network.attach(replace(box.process, start_time=1), (endpoint,), shop.networks)
    assert sh(box.netns, "ip -o link").count("\n") == 1


def test_detach_forgets_links_and_connections(bench: World, shop: Project) -> None:
    """No link and no tracked connection of the container is left; those of others stay; again, and without a sandbox, it is content."""
    bench.serve("far", bench.outside, 80)
    web, other = shop.box("web", "front"), shop.box("other", "front")
    bench.serve("web", web.netns, 80)
    shop.network.publish("web", (Publication("", 8080, 80),), web.endpoints)
    for box in (web, other):
        ask(box.netns, OUTSIDE, 80)
    ask(bench.outside, HOST, 8080)
    tracked = sh(shop.netns, "conntrack -L 2>/dev/null")
    assert tracked.count(web.address) >= 2
    shop.network.detach(web.endpoints)
    tracked = sh(shop.netns, "conntrack -L 2>/dev/null")
    assert web.address not in tracked
    assert other.address in tracked
    assert web.endpoints[0].peer not in sh(shop.netns, "ip -o link")
    shop.network.detach(web.endpoints)
    shop.network.remove_sandbox()
    shop.network.detach(other.endpoints)


def test_threads_end(shop: Project) -> None:
    """No thread that was in a namespace lives on."""
    before = threading.active_count()
    shop.box("web", "front")
    eventually(lambda: threading.active_count() == before)


def test_supervisors_event_loop_may_be_running(bench: World, shop: Project) -> None:
    """The driver can be called from a thread that runs an event loop."""
    box = bench.bare_box("web", (shop.endpoint("front", "eth0", default_route=True),))

    async def attach() -> None:
        shop.network._driver.attach(box.process, box.endpoints, shop.networks)

    apart(lambda: asyncio.run(attach()), netns=bench.host)
    assert box.address in sh(box.netns, "ip -o address")
