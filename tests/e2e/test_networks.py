"""Networks: who reaches whom, and at which address."""

from __future__ import annotations

import json
import subprocess

from tests.command_line import Composer
from tests.inside import address_of, reaches, shell, talk
from tests.machine import Machine
from tests.network_world import OUTSIDE, reachable, sh
from tests.records import ids, places_of

SERVER = """
    x-server: &server
      image: busybox
      command: [nc, -ll, -p, "80", -e, hostname]
      stop_grace_period: 0s
"""


def interfaces(composer: Composer, container: str) -> dict[str, str]:
    """Name -> IPv4 address with prefix length, as the kernel has them in the container."""
    listed = json.loads(shell(composer, container, "ip -json -4 address"))
    return {link["ifname"]: f"{one['local']}/{one['prefixlen']}" for link in listed for one in link["addr_info"] if one.get("local")}


def test_networks_are_apart_unless_a_service_is_on_both(composer: Composer) -> None:
    """A container reaches those that share a network with it, on that network's address, and nobody else by any address."""
    composer.write(SERVER + """
    services:
      web: {<<: *server, hostname: web, networks: [front]}
      app: {<<: *server, hostname: app, networks: [front, back]}
      db: {<<: *server, hostname: db, networks: [back]}
    networks: {front: {}, back: {}}
    """)
    composer("up", "-d")
    app_front, app_back = (address_of(composer, "shop-app-1", network) for network in ("front", "back"))
    web, db = address_of(composer, "shop-web-1", "front"), address_of(composer, "shop-db-1", "back")
    assert talk(composer, "shop-web-1", app_front, 80) == "app"
    assert talk(composer, "shop-db-1", app_back, 80) == "app"
    assert talk(composer, "shop-app-1", web, 80) == "web"
    assert talk(composer, "shop-app-1", db, 80) == "db"
    for container, address in (("shop-web-1", db), ("shop-db-1", web), ("shop-web-1", app_back), ("shop-db-1", app_front)):
        assert not reaches(composer, container, address, 80), f"{container} reaches {address}"
    seen = interfaces(composer, "shop-app-1")
    assert {address.partition("/")[0] for name, address in seen.items() if name != "lo"} == {app_front, app_back}
    assert interfaces(composer, "shop-web-1").keys() == {"lo", "eth0"}


def test_projects_are_apart_even_at_the_same_addresses(machine: Machine) -> None:
    """Two projects with one fixed subnet and one fixed address run at once; each reaches its own, and no other project's at all."""
    file = SERVER + """
    services:
      web: {<<: *server, hostname: %s, networks: {lan: {ipv4_address: 10.77.7.20}}}
      client: {image: busybox, command: [sleep, infinity], networks: [lan]}
    networks: {lan: {ipam: {config: [{subnet: 10.77.7.0/24, gateway: 10.77.7.254}]}}}
    """
    one, two, third = machine.project("one"), machine.project("two"), machine.project("third")
    one.write(file % "first")
    two.write(file % "second")
    third.write("services: {client: {image: busybox, command: [sleep, infinity]}}")
    for each in (one, two, third):
        each("up", "-d")
    assert talk(one, "one-client-1", "10.77.7.20", 80) == "first"
    assert talk(two, "two-client-1", "10.77.7.20", 80) == "second"
    assert interfaces(one, "one-web-1")["eth0"] == "10.77.7.20/24"
    assert "default via 10.77.7.254 dev eth0" in one.inside("web", "ip", "route")
    assert not reaches(third, "third-client-1", "10.77.7.20", 80)
    one("down")
    assert talk(two, "two-client-1", "10.77.7.20", 80) == "second"


def test_out_and_not_out(machine: Machine) -> None:
    """A container goes out under the host's address; from an internal network there is no way, not to the host either."""
    shop = machine.project()
    shop.write(SERVER + """
    services:
      web: {<<: *server, networks: [front]}
      db: {<<: *server, hostname: db, networks: [back]}
      app: {<<: *server, networks: [front, back]}
    networks: {front: {}, back: {internal: true}}
    """)
    machine.serve("far", machine.outside, 80)
    machine.serve("near", machine.inside, 90)
    shop("up", "-d")
    assert talk(shop, "shop-web-1", OUTSIDE, 80) == "far 198.51.100.1"
    assert talk(shop, "shop-app-1", OUTSIDE, 80) == "far 198.51.100.1"
    assert talk(shop, "shop-app-1", address_of(shop, "shop-db-1", "back"), 80) == "db"
    assert not reaches(shop, "shop-db-1", OUTSIDE, 80)
    assert not reaches(shop, "shop-db-1", "198.51.100.1", 90)
    assert "default" not in shop.inside("db", "ip", "route")
    # A way would have to be made by force: even with a default route nothing passes.
    gateway = address_of(shop, "shop-db-1", "back").rpartition(".")[0] + ".1"
    shell(shop, "shop-db-1", f"ip route add default via {gateway}")
    assert not reaches(shop, "shop-db-1", OUTSIDE, 80)


def test_unpublished_containers_cannot_be_reached_from_outside(machine: Machine) -> None:
    """A neighbour that routes a project's addresses to the host gets no further than the host."""
    shop = machine.project()
    shop.write(SERVER + "    services: {web: *server}")
    shop("up", "-d")
    address = address_of(shop, "shop-web-1")
    assert talk(shop, "shop-web-1", address, 80)
    sh(machine.outside, f"ip route add {address}/32 via 198.51.100.1")
    assert not reachable(machine.outside, address, 80)


def test_an_address_stays_until_the_container_is_removed(composer: Composer) -> None:
    """Stop and start keep address and MAC, also when others come meanwhile; what a removed container had is free again."""
    composer.write(SERVER + """
    services: {web: *server, late: {<<: *server, profiles: [late]}, client: *server}
    networks: {default: {ipam: {config: [{subnet: 10.77.8.0/29}]}}}
    """)
    composer("up", "-d")
    before = composer.inside("web", "ip", "address", "show", "eth0")
    composer("stop", "web")
    composer("up", "-d", "late")
    assert len({address_of(composer, f"shop-{name}-1") for name in ("web", "late", "client")}) == 3
    composer("start", "web")
    after = composer.inside("web", "ip", "address", "show", "eth0")
    assert hardware_and_address(after) == hardware_and_address(before)
    assert talk(composer, "shop-client-1", address_of(composer, "shop-web-1"), 80)

    composer("up", "-d", "--force-recreate")
    composer("up", "-d", "--scale", "web=4", code=None)
    given = [address_of(composer, row["Name"]) for row in composer.ps()]
    assert len(set(given)) == len(given) >= 5, "a /29 has room for a gateway and five containers"


def test_a_changed_network_is_made_anew_with_its_containers(composer: Composer) -> None:
    """A new subnet recreates the network and those on it, and leaves the others alone."""
    file = SERVER + """
    services:
      web: {<<: *server, hostname: web, networks: [front, back]}
      app: {<<: *server, networks: [front]}
      db: {<<: *server, networks: [back]}
    networks: {front: {ipam: {config: [{subnet: %s}]}}, back: {}}
    """
    composer.write(file % "10.77.9.0/24")
    composer("up", "-d")
    before = ids(composer)
    composer.write(file % "10.78.9.0/24")
    composer("up", "-d")
    after = ids(composer)
    assert {name for name in after if after[name] != before[name]} == {"shop-web-1", "shop-app-1"}
    assert address_of(composer, "shop-web-1", "front").startswith("10.78.9.")
    assert talk(composer, "shop-app-1", address_of(composer, "shop-web-1", "front"), 80) == "web"
    assert talk(composer, "shop-db-1", address_of(composer, "shop-web-1", "back"), 80) == "web"
    assert composer("up", "-d").said == ""


def test_a_network_that_nobody_needs_any_more_goes_with_down(composer: Composer) -> None:
    """`down` takes namespace, bridges, host link and packet rules; what is chosen by hand and by composer does not collide."""
    composer.write(SERVER + """
    services: {web: {<<: *server, networks: [a, b, c]}}
    networks: {a: {}, b: {ipam: {config: [{subnet: 10.211.0.0/24}]}}, c: {}}
    """)
    composer("up", "-d")
    places = places_of(composer)
    rules = on_host("nft", "list", "table", "inet", f"composer_{places.hash}")
    assert f"cmp{places.hash}" in rules
    subnets = {address_of(composer, "shop-web-1", key).rpartition(".")[0] for key in "abc"}
    assert len(subnets) == 3
    composer("down")
    assert not places.netns.exists()
    assert f"cmp{places.hash}" not in on_host("ip", "link")
    assert places.hash not in on_host("nft", "list", "tables")


def test_network_modes_none_and_host(machine: Machine) -> None:
    """`none` has loopback alone; `host` sees the host's interfaces and listens at the host's address."""
    shop = machine.project()
    shop.write(SERVER + """
    services:
      alone: {<<: *server, network_mode: none}
      open: {<<: *server, network_mode: host, command: [nc, -ll, -p, "8088", -e, hostname]}
    """)
    shop("up", "-d")
    assert interfaces(shop, "shop-alone-1").keys() == {"lo"}
    assert "198.51.100.1" in shop.inside("open", "ip", "address")
    assert reachable(machine.outside, "198.51.100.1", 8088)


def test_fixed_addresses_that_cannot_be(composer: Composer) -> None:
    """Outside the subnet, twice, for several replicas, or without a subnet: refused in words, and nothing runs."""
    def refused(services: str) -> str:
        composer.write(SERVER + "    services:" + services + """
    networks: {lan: {ipam: {config: [{subnet: 10.77.7.0/24}]}}, any: {}}
    """)
        done = composer("up", "-d", code=1)
        assert "Traceback" not in done.said
        assert not [row for row in composer.ps() if row["State"] == "running"]
        return done.err

    assert "10.78.0.5" in refused("""
      web: {<<: *server, networks: {lan: {ipv4_address: 10.78.0.5}}}""")
    assert "10.77.7.9" in refused("""
      web: {<<: *server, networks: {lan: {ipv4_address: 10.77.7.9}}, scale: 2}""")
    assert "10.77.7.9" in refused("""
      web: {<<: *server, networks: {lan: {ipv4_address: 10.77.7.9}}}
      app: {<<: *server, networks: {lan: {ipv4_address: 10.77.7.9}}, depends_on: [web]}""")
    assert "10.77.7.1" in refused("""
      web: {<<: *server, networks: {lan: {ipv4_address: 10.77.7.1}}}""")


def test_a_fixed_address_is_kept_for_its_owner(composer: Composer) -> None:
    """Others, started before, get other addresses."""
    composer.write(SERVER + """
    services:
      first: {<<: *server, networks: [lan], scale: 3}
      owner: {<<: *server, networks: {lan: {ipv4_address: 10.77.7.2}}, depends_on: [first]}
    networks: {lan: {ipam: {config: [{subnet: 10.77.7.0/29}]}}}
    """)
    composer("up", "-d")
    assert address_of(composer, "shop-owner-1", "lan") == "10.77.7.2"
    assert len({address_of(composer, row["Name"], "lan") for row in composer.ps()}) == 4


def hardware_and_address(shown: str) -> list[list[str]]:
    return [line.split()[:2] for line in shown.splitlines() if line.split()[0] in ("link/ether", "inet")]


def on_host(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
