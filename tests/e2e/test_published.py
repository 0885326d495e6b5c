"""Published ports: every way in that the file opens, and none that it does not."""

from __future__ import annotations

import json
import socket

import pytest

from composer.network.namespaces import apart
from tests.eventually import eventually
from tests.inside import network_of, reaches, talk
from tests.machine import Machine
from tests.network_world import HOST, Server, ask, reachable, sh
from tests.records import kill, pid_of

SERVERS = """
    x-tcp: &tcp {image: busybox, command: [nc, -ll, -p, "80", -e, hostname], stop_grace_period: 0s}
    x-idle: &idle {image: busybox, command: [sleep, infinity]}
"""
#: The chains that Docker leaves in the host's tables, with its policy.
DOCKER = """
table ip filter {
  chain DOCKER-USER { counter return; }
  chain FORWARD { type filter hook forward priority filter; policy drop; counter jump DOCKER-USER; }
}
"""


def said(netns: int, address: str, port: int, kind: str = "tcp") -> str:
    """A server's answer; asked again while it is only just starting."""
    return eventually(lambda: ask(netns, address, port, kind=kind, timeout=0.5).strip(), timeout=5)


@pytest.mark.parametrize("rules", ["", DOCKER], ids=["open host", "host with Docker's rules"])
def test_a_port_is_open_in_all_five_ways(machine: Machine, rules: str) -> None:
    """From outside, by the host's address, by 127.0.0.1 and ::1, and from a container by the host's address; TCP and UDP alike."""
    (machine.world.folder / "rules.nft").write_text(rules)
    machine.sh(f"nft -f {machine.world.folder}/rules.nft")
    before = machine.sh("nft -s list ruleset")
    shop = machine.project()
    shop.write(SERVERS + """
    services:
      web: {<<: *tcp, hostname: web, ports: ["8080:80"]}
      dns: {<<: *idle, ports: ["8053:53/udp"]}
      client: *idle
    """)
    shop("up", "-d")
    with network_of(shop, "shop-dns-1") as netns:  # busybox has no program that answers by UDP
        machine.serve("dns", netns, 53, kind="udp")
    for where, netns, address in (("outside", machine.outside, HOST), ("host", machine.inside, HOST),
                                  ("host", machine.inside, "127.0.0.1"), ("host", machine.inside, "::1")):
        assert said(netns, address, 8080) == "web", f"TCP from {where} to {address}"
        assert said(netns, address, 8053, "udp").startswith("dns "), f"UDP from {where} to {address}"
    assert talk(shop, "shop-client-1", HOST, 8080) == "web"
    assert talk(shop, "shop-client-1", HOST, 8053, kind="udp").startswith("dns ")
    assert talk(shop, "shop-web-1", HOST, 8080) == "web", "a container reaches itself, too"
    machine.serve("far", machine.outside, 80)
    assert talk(shop, "shop-client-1", "198.51.100.2", 80) == f"far {HOST}"

    shop("down")
    assert machine.sh("nft -s list ruleset") == before
    assert not reachable(machine.inside, "127.0.0.1", 8080)


def test_an_address_of_the_host_is_the_only_way_in(machine: Machine) -> None:
    """What is published at 127.0.0.1 is the host's alone; a neighbour who routes 127.0.0.0/8 or the uplink here gets nothing."""
    shop = machine.project()
    shop.write(SERVERS + """
    services:
      web: {<<: *tcp, hostname: web, ports: ["127.0.0.1:8080:80"]}
      here: {<<: *tcp, hostname: here, ports: ["198.51.100.1:8081:80"]}
    """)
    shop("up", "-d")
    assert said(machine.inside, "127.0.0.1", 8080) == "web"
    assert said(machine.outside, HOST, 8081) == "here"
    assert not reachable(machine.outside, HOST, 8080)
    assert not reachable(machine.inside, HOST, 8080)
    assert not reachable(machine.inside, "::1", 8080)
    assert not reachable(machine.inside, "127.0.0.1", 8081)
    link = next(one for one in json.loads(machine.sh("ip -json -4 address")) if one["ifname"].startswith("cmp"))
    host_end = link["addr_info"][0]["local"]
    head, _, last = host_end.rpartition(".")
    sh(machine.outside, f"ip route add {head}.{int(last) & ~1}/31 via {HOST}")
    assert not reachable(machine.outside, f"{head}.{int(last) | 1}", 8080)
    assert shop("port", "web", "80").out == "127.0.0.1:8080\n"


def test_ranges_any_port_and_what_port_says(machine: Machine) -> None:
    """A range goes port by port, replicas share a range, an unnamed host port is a free one; `port` and `ps` tell which."""
    shop = machine.project()
    shop.write(SERVERS + """
    services:
      range:
        <<: *tcp
        command: [sh, -c, "nc -ll -p 81 -e echo one & nc -ll -p 82 -e echo two & exec nc -ll -p 80 -e echo zero"]
        ports: ["9000-9002:80-82"]
      any: {<<: *tcp, hostname: any, ports: ["80"]}
      many: {<<: *tcp, scale: 2, ports: ["9100-9110:80"]}
      long: {<<: *tcp, hostname: long, ports: [{target: 80, published: "9200", host_ip: 127.0.0.1, protocol: tcp}]}
    """)
    shop("up", "-d")
    assert [said(machine.outside, HOST, port) for port in (9000, 9001, 9002)] == ["zero", "one", "two"]
    assert shop("port", "range", "82").out == "0.0.0.0:9002\n"

    address, _, port = shop("port", "any", "80").out.strip().rpartition(":")
    assert address == "0.0.0.0"
    assert said(machine.outside, HOST, int(port)) == "any"
    shop("restart", "any")
    again = int(shop("port", "any", "80").out.rpartition(":")[2])
    assert said(machine.outside, HOST, again) == "any"

    shown = {row["Name"]: {one["PublishedPort"] for one in row["Publishers"]} for row in shop.ps("many")}
    assert all(len(ports) == 1 for ports in shown.values())
    both = set.union(*shown.values())
    assert len(both) == 2
    assert both <= set(range(9100, 9111))
    assert len({said(machine.outside, HOST, one) for one in both}) == 2
    assert said(machine.inside, "127.0.0.1", 9200) == "long"
    assert not reachable(machine.outside, HOST, 9200)
    failed = shop("port", "any", "8888", code=1)
    assert "8888" in failed.err


def test_a_port_comes_and_goes_with_its_container(machine: Machine) -> None:
    """stop gives the port away, start takes it again; a killed and a recreated container's port leads to its successor."""
    file = SERVERS + "    services: {web: {<<: *tcp, hostname: %s, restart: always, ports: ['8080:80', '8081:80']}}"
    shop = machine.project()
    shop.write(file % "web")
    shop("up", "-d")
    assert said(machine.outside, HOST, 8080) == said(machine.outside, HOST, 8081) == "web"

    kill(pid_of(shop, "shop-web-1"))
    assert said(machine.outside, HOST, 8080) == "web"

    shop("stop", "web")
    assert not reachable(machine.outside, HOST, 8080)
    other = machine.serve("other", machine.inside, 8080)
    assert said(machine.outside, HOST, 8080).startswith("other")
    refused = shop("start", "web", code=1)
    assert "8080" in refused.err
    other.close()
    shop("start", "web")
    assert said(machine.outside, HOST, 8080) == "web"

    shop.write(file % "new")
    shop("up", "-d")
    assert said(machine.outside, HOST, 8080) == "new"
    shop("down")
    assert not reachable(machine.inside, "127.0.0.1", 8080)


def test_a_taken_port_is_told_before_anything_starts(machine: Machine) -> None:
    """The holder is named, a container of another project or a process; nothing of the refused project is left running."""
    one, two = machine.project("one"), machine.project("two")
    one.write(SERVERS + "    services: {web: {<<: *tcp, hostname: one, ports: ['8080:80']}}")
    two.write(SERVERS + "    services: {db: *idle, web: {<<: *tcp, depends_on: [db], ports: ['8080:80']}}")
    one("up", "-d")
    refused = two("up", "-d", code=1)
    assert "8080" in refused.err
    assert "one" in refused.err
    assert [row for row in two.ps() if row["State"] == "running"] == []
    assert said(machine.outside, HOST, 8080) == "one"

    one("down")
    two("up", "-d")
    assert said(machine.outside, HOST, 8080)


def test_expose_opens_nothing(machine: Machine) -> None:
    """`expose` is for neighbours on the network, who need no leave; the host has no such port."""
    shop = machine.project()
    shop.write(SERVERS + "    services: {web: {<<: *tcp, hostname: web, expose: ['80']}, client: *idle}")
    shop("up", "-d")
    assert not reachable(machine.inside, "127.0.0.1", 80)
    assert not reaches(shop, "shop-client-1", HOST, 80)
    assert [one["PublishedPort"] for one in shop.ps("web")[0]["Publishers"]] == [0]


def test_many_networks_and_a_published_port(machine: Machine) -> None:
    """A service on an internal and an open network is published on the open one."""
    shop = machine.project()
    shop.write(SERVERS + """
    services: {web: {<<: *tcp, hostname: web, networks: [a-inner, front], ports: ["8080:80"]}}
    networks: {a-inner: {internal: true}, front: {}}
    """)
    shop("up", "-d")
    assert said(machine.outside, HOST, 8080) == "web"
    assert said(machine.inside, "::1", 8080) == "web"


def test_a_conversation_by_udp_follows_the_container(machine: Machine) -> None:
    """A client that keeps its port reaches the container's successor: the kernel's memory of the old address is wiped."""
    shop = machine.project()
    file = SERVERS + "    services: {dns: {<<: *idle, environment: {COLOUR: %s}, ports: ['8053:53/udp']}}"
    shop.write(file % "red")
    shop("up", "-d")

    def serve(name: str) -> Server:
        with network_of(shop, "shop-dns-1") as netns:
            return machine.serve(name, netns, 53, kind="udp")

    def ask_again() -> str:
        client.send(b"?")
        return client.recv(200).decode().split()[0]

    client = apart(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM), netns=machine.outside)
    with client:
        client.settimeout(0.5)
        client.connect((HOST, 8053))
        first = serve("first")
        assert ask_again() == "first"
        first.close()
        shop.write(file % "blue")
        shop("up", "-d")
        serve("second")
        assert eventually(ask_again, timeout=5) == "second"
