"""The project's namespace, its uplink and its networks, on the real kernel."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from composer.errors import NetworkError
from composer.model.network import Network, Subnet
from composer.network.namespaces import Namespace
from composer.observed import Publication
from tests.eventually import eventually
from tests.network_world import HOST, MTU, OUTSIDE, World, ask, reachable, sh, world

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


def mounts() -> str:
    return Path("/proc/self/mountinfo").read_text()


def test_sandbox_is_one_link_and_one_table_on_the_host(bench: World) -> None:
    """A project shows on the host as one link and one table, whatever is in it."""
    before = bench.links()
    project = bench.project("shop")
    project.add("front")
    project.add("back", internal=True)
    project.box("web", "front", "back")
    assert bench.links() - before == {f"cmp{project.hash}"}
    assert sh(bench.host, "nft list tables").split("\n")[:-1] == [f"table inet composer_{project.hash}"]
    assert project.network.sandbox_exists()
    assert project.network.bridges() == {"br-front", "br-back"}


def test_teardown_leaves_nothing(bench: World) -> None:
    """After remove_sandbox links, tables, routes, pin and mount are those of before."""
    links, rules, routes = bench.links(), bench.rules(), sh(bench.host, "ip route; ip neigh | grep -v eth0 || true")
    project = bench.project("shop")
    project.add("front")
    box = project.box("web", "front")
    project.network.publish("web", (Publication("", 8080, 80),), box.endpoints)
    assert "8080" in bench.rules()
    assert str(project.netns_path) in mounts()
    project.network.remove_sandbox()
    assert (bench.links(), bench.rules(), sh(bench.host, "ip route; ip neigh | grep -v eth0 || true")) == (links, rules, routes)
    assert str(project.netns_path) not in mounts()
    assert not project.netns_path.exists()
    assert not project.network.sandbox_exists()
    assert project.network.bridges() == frozenset()
    project.network.remove_sandbox()


def test_teardown_deletes_links_though_the_pin_was_copied(bench: World) -> None:
    """A mount namespace that copied the pin keeps the namespace, but no link and no rule in it."""
    project = bench.project("shop")
    project.add("front")
    box = project.box("web", "front")
    inside = project.netns
    with subprocess.Popen(["unshare", "-m", "--propagation", "private", "sleep", "600"]) as copier:
        try:
            eventually(lambda: os.stat(f"/proc/{copier.pid}/ns/mnt").st_ino != os.stat("/proc/self/ns/mnt").st_ino)
            project.network.remove_sandbox()
            assert sh(inside, "ip -o link").count("\n") == 1
            assert sh(inside, "nft list ruleset") == ""
            assert f"cmp{project.hash}" not in bench.links()
            assert "eth0" not in sh(box.netns, "ip -o link")
        finally:
            copier.kill()


def test_creating_again_changes_nothing_and_completes_what_is_missing(bench: World) -> None:
    """create_sandbox keeps the addresses of a whole sandbox, and brings back a link or table that somebody removed."""
    project = bench.project("shop")
    project.add("front")
    project.box("web", "front")
    address = project.network.forward_address()
    inside = sh(project.netns, "ip -o link | cut -d' ' -f1-2; ip -o addr; nft list table inet composer")
    project.network.create_sandbox()
    assert project.network.forward_address() == address
    assert sh(project.netns, "ip -o link | cut -d' ' -f1-2; ip -o addr; nft list table inet composer") == inside
    sh(bench.host, f"ip link del cmp{project.hash}; nft flush ruleset")
    with pytest.raises(NetworkError, match="uplink is not there"):
        project.network.host_address()
    project.network.create_sandbox()
    assert f"table inet composer_{project.hash}" in bench.rules()
    assert project.network.bridges() == {"br-front"}


@pytest.mark.parametrize("left", ["namespace", "link", "addresses"])
def test_healing_completes_what_a_killed_creation_left(bench: World, left: str) -> None:
    """Killed after any of its steps, the sandbox is whole again, with link, tables, addresses and routes."""
    project = bench.project("shop")
    whole = sh(project.netns, "ip -o -4 address | cut -d: -f2-; ip route; nft list table inet composer")
    link = f"cmp{project.hash}"
    sh(bench.host, f"nft delete table inet composer_{project.hash}")
    if left == "namespace":
        sh(bench.host, f"ip link del {link}")
        sh(project.netns, "nft flush ruleset; ip link set lo down; ip route flush type unreachable")
    elif left == "link":
        sh(bench.host, f"ip address flush dev {link}; ip link set {link} down")
        sh(project.netns, "ip address flush scope global; ip route flush type unreachable")
    else:
        sh(project.netns, "ip route del default; ip link set uplink down; ip route flush type unreachable")
    project.network.heal()
    assert sh(project.netns, "ip -o -4 address | cut -d: -f2-; ip route; nft list table inet composer") == whole
    assert project.network.host_address()
    assert f"table inet composer_{project.hash}" in bench.rules()


def test_a_file_without_a_namespace_is_no_sandbox(bench: World) -> None:
    """What a crash or a reboot leaves of the pin does not count as a namespace, and is made whole."""
    path = bench.folder / "run/abc/netns"
    path.parent.mkdir(parents=True)
    path.touch()
    namespace = Namespace(path)
    assert not namespace.exists()
    bench.on_host(namespace.make)
    assert namespace.exists()
    namespace.remove()
    assert not path.exists()


def test_failed_creation_is_undone(bench: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """When no address pool is free, nothing is left behind."""
    monkeypatch.setenv("COMPOSER_ADDRESS_POOL", "198.51.0.0/16")
    with pytest.raises(NetworkError, match="no address pool is free"):
        bench.project("shop")
    assert bench.links() == {"lo", "eth0"}
    assert not list(bench.folder.glob("run/*/netns"))


def test_settings_are_explicit(bench: World) -> None:
    """The namespace does not depend on what the host has set, and the host's other links keep their settings."""
    conf = "for f in /proc/sys/net/ipv4/conf/eth0/*; do echo $f $(cat $f); done | grep -v /forwarding"
    before = sh(bench.host, conf)
    project = bench.project("shop")
    project.add("front")
    read = "cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/all/rp_filter /proc/sys/net/ipv4/conf/br-front/send_redirects"
    assert sh(project.netns, read).split() == ["1", "1", "0"]
    assert sh(bench.host, conf) == before
    assert sh(bench.host, "cat /proc/sys/net/ipv4/ip_forward").strip() == "1"


def test_mtu_is_that_of_the_way_out(bench: World) -> None:
    """Uplink, bridge and container take the MTU of the host's default route."""
    project = bench.project("shop")
    project.add("front")
    box = project.box("web", "front")
    assert f"mtu {MTU} " in sh(bench.host, f"ip link show cmp{project.hash}")
    assert sh(project.netns, "ip -o link").count(f"mtu {MTU} ") == 3
    assert f"mtu {MTU} " in sh(box.netns, "ip link show eth0")


def test_containers_reach_the_outside_by_the_hosts_address(bench: World) -> None:
    """What containers send out comes from the host, and internal networks send nothing."""
    bench.serve("far", bench.outside, 80)
    project = bench.project("shop")
    project.add("front")
    project.add("back", internal=True)
    assert ask(project.box("web", "front").netns, OUTSIDE, 80) == f"far {HOST}"
    hidden = project.box("db", "back")
    assert not reachable(hidden.netns, OUTSIDE, 80)
    sh(hidden.netns, f"ip route add default via {project.networks['back'].gateway}")
    assert not reachable(hidden.netns, OUTSIDE, 80)


def test_networks_are_apart(bench: World) -> None:
    """Containers talk on a network that they share, and not across networks."""
    project = bench.project("shop")
    project.add("front")
    project.add("back")
    web, neighbour, db = project.box("web", "front"), project.box("neighbour", "front"), project.box("db", "back")
    bench.serve("web", web.netns, 80)
    assert ask(neighbour.netns, web.address, 80) == f"web {neighbour.address}"
    assert not reachable(db.netns, web.address, 80)


def test_projects_are_apart_with_the_same_subnet(bench: World) -> None:
    """Two projects use one fixed subnet at once; each sees its own containers, and neither the other's uplink."""
    bench.serve("far", bench.outside, 80)
    answers = []
    projects = [bench.project("one"), bench.project("two")]
    for project in projects:
        project.add("front", subnet="172.28.5.0/24")
        web, client = project.box("web", "front"), project.box("client", "front")
        bench.serve(project.name, web.netns, 80)
        answers.append(ask(client.netns, "172.28.5.2", 80))
        assert ask(client.netns, OUTSIDE, 80) == f"far {HOST}"
    assert answers == ["one 172.28.5.3", "two 172.28.5.3"]
    one, two = projects
    assert one.network.host_address() != two.network.host_address()
    bench.serve("secret", two.netns, 9000)
    assert not reachable(one.box("spy", "front").netns, two.network.forward_address(), 9000)


def test_projects_made_at_once_get_uplinks_of_their_own(bench: World) -> None:
    """Four sandboxes made side by side do not choose the same address."""
    with ThreadPoolExecutor(4) as pool:
        projects = list(pool.map(bench.project, ("one", "two", "three", "four")))
    assert len({project.network.host_address() for project in projects}) == 4


def test_traffic_to_nobody_stays(bench: World) -> None:
    """A packet to an address of the pool that nobody has never leaves the machine."""
    project = bench.project("shop")
    web = project.box("web", *[project.add("front").key])
    gone = project.networks["front"].subnet.replace(".0.0/24", ".200.9")
    assert "unreachable" in sh(project.netns, "ip route")
    chain = "add table ip t; add chain ip t c { type filter hook prerouting priority 0; }"
    sh(bench.outside, f"nft '{chain}; add rule ip t c ip daddr 10.0.0.0/8 counter'")
    assert not reachable(web.netns, gone, 80)
    assert "packets 0 " in sh(bench.outside, "nft list table ip t")


def test_networks_come_and_go(bench: World) -> None:
    """create_network and remove_network can be repeated; a bridge keeps its own MAC when containers come and go."""
    project = bench.project("shop")
    state = project.add("front")
    project.network.create_network(state)
    first, second = project.box("a", "front"), project.box("b", "front")
    first.end()
    project.network.detach(first.endpoints)
    assert state.mac in sh(project.netns, "ip link show br-front")
    bench.serve("b", second.netns, 80)
    assert ask(project.netns, second.address, 80).startswith("b ")
    project.network.remove_network(state)
    project.network.remove_network(state)
    assert project.network.bridges() == frozenset()
    assert "br-front" not in sh(project.netns, "nft list ruleset")


def test_a_subnet_with_the_uplinks_address_is_refused(bench: World) -> None:
    """A subnet that would take the uplink's addresses away is an error that names them."""
    project = bench.project("shop")
    with pytest.raises(NetworkError, match="address of the project's uplink"):
        project.add("front", subnet="10.211.0.0/16")
    assert project.network.bridges() == frozenset()


def test_planning_avoids_the_hosts_routes(bench: World) -> None:
    """The pool moves away from what the host has a route to, and the routes into projects do not count."""
    project = bench.project("one")
    assert project.add("front").subnet == "10.211.0.0/24"
    sh(bench.host, f"ip route add 10.211.7.0/24 via {OUTSIDE}")
    model = Network(key="front", name="two_front")
    assert project.network.plan_network(model, (), "f").subnet == "10.223.0.0/24"
    fixed = Network(key="front", name="two_front", ipam=(Subnet(subnet="10.211.7.0/24"),))
    assert project.network.plan_network(fixed, (), "f").subnet == "10.211.7.0/24"
