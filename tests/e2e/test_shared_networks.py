"""Networks that projects share: one that another project made, and those of `composer network create`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from contextlib import suppress

from tests.command_line import Composer
from tests.inside import address_of, lookup, talk
from tests.machine import Machine
from tests.network_world import HOST, OUTSIDE, ask
from tests.records import keepers, kill, places_of
from tests.rescue import power_off

SERVER = """
    x-server: &server
      image: busybox
      command: [nc, -ll, -p, "80", -e, hostname]
      stop_grace_period: 0s
"""

SITE = SERVER + """
    services:
      web: {<<: *server, hostname: web-of-site, networks: {default: {}, front: {aliases: [shop.example]}}}
      db: {<<: *server, hostname: db-of-site}
    networks: {front: {}}
"""
PROXY = SERVER + """
    services:
      proxy: {<<: *server, hostname: proxy, networks: [site, default]}
      alone: {<<: *server, hostname: alone, networks: [site]}
      aside: {<<: *server, hostname: aside}
    networks: {site: {external: true, name: site_front}}
"""

Projects = Callable[..., Composer]

#: Seconds after which `up` is cut short.
DELAYS = (0.1, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6)


def call(composer: Composer, container: str, name: str) -> str:
    """What the server of that name says, "" for a name that there is not."""
    found = lookup(composer, container, name)
    return talk(composer, container, found.values[0], 80) if found.values else ""


def both(project: Projects) -> tuple[Composer, Composer]:
    site, proxy = project("site"), project("proxy")
    site.write(SITE)
    proxy.write(PROXY)
    site("up", "-d")
    proxy("up", "-d")
    return site, proxy


def test_a_network_of_another_project(project: Projects) -> None:
    """A proxy on the front network of a site reaches what is on it by service, container and alias, both ways, and nothing else of it."""
    site, proxy = both(project)
    for name in ("web", "site-web-1", "shop.example", "web.site_front"):
        assert call(proxy, "proxy-proxy-1", name) == "web-of-site", name
        assert call(proxy, "proxy-alone-1", name) == "web-of-site", name
    assert call(site, "site-web-1", "proxy") == "proxy"
    assert call(site, "site-web-1", "proxy-alone-1") == "alone"
    assert call(proxy, "proxy-proxy-1", "aside") == "aside"
    for client, name in (("proxy-proxy-1", "db"), ("proxy-aside-1", "web")):
        assert not call(proxy, client, name)
    assert not call(site, "site-db-1", "proxy")
    assert address_of(site, "site-web-1", "front").rpartition(".")[0] == address_of(proxy, "proxy-alone-1", "site").rpartition(".")[0]
    assert proxy("up", "-d").said == ""


def test_published_ports_and_the_way_out_are_each_projects_own(machine: Machine) -> None:
    """A service that is on somebody else's network only publishes its ports, and goes out, by its own project."""
    site, proxy = machine.project("site"), machine.project("proxy")
    site.write(SERVER + "    services: {web: {<<: *server, hostname: web, ports: ['8081:80']}}")
    proxy.write(SERVER + """
    services: {proxy: {<<: *server, hostname: proxy, ports: ["8080:80"], networks: [site]}}
    networks: {site: {external: true, name: site_default}}
    """)
    machine.serve("far", machine.outside, 80)
    site("up", "-d")
    proxy("up", "-d")
    assert ask(machine.outside, HOST, 8080).strip() == "proxy"
    assert ask(machine.outside, HOST, 8081).strip() == "web"
    assert talk(proxy, "proxy-proxy-1", OUTSIDE, 80) == "far 198.51.100.1"
    assert talk(proxy, "proxy-proxy-1", HOST, 8081) == "web"
    assert talk(site, "site-web-1", HOST, 8080) == "proxy"
    site("down")
    assert ask(machine.outside, HOST, 8080).strip() == "proxy"


def test_whoever_is_killed_nothing_is_lost(project: Projects) -> None:
    """Guards and supervisors of both sides are killed: packets pass, names come back, and a restarted container keeps its address."""
    site, proxy = both(project)
    for composer in (site, proxy):
        for pid in keepers(composer).values():
            kill(pid)
    address = address_of(site, "site-web-1", "front")
    assert talk(proxy, "proxy-proxy-1", address, 80) == "web-of-site"
    proxy("restart", "-t", "0", "proxy")
    assert call(proxy, "proxy-proxy-1", "web") == "web-of-site", "a project whose supervisor is dead is there all the same"
    site("restart", "-t", "0", "web")
    assert address_of(site, "site-web-1", "front") == address
    assert call(proxy, "proxy-proxy-1", "web") == "web-of-site"
    assert call(site, "site-web-1", "proxy") == "proxy"


def test_a_stopped_neighbour_has_no_name(project: Projects) -> None:
    """Names of other projects follow their containers: gone at stop, there again at start, each replica once."""
    site, proxy = both(project)
    proxy("up", "-d", "--scale", "alone=3")
    assert len(lookup(site, "site-web-1", "alone").values) == 3
    proxy("stop", "-t", "0", "alone")
    assert lookup(site, "site-web-1", "alone").values == ()
    proxy("start", "alone")
    assert set(lookup(site, "site-web-1", "alone").values) == {address_of(proxy, f"proxy-alone-{n}", "site") for n in (1, 2, 3)}
    given = [address_of(composer, row["Name"], key) for composer, key in ((site, "front"), (proxy, "site")) for row in composer.ps()
             if row["Name"] not in ("site-db-1", "proxy-aside-1")]
    assert len(set(given)) == len(given) == 5


def test_the_owner_goes_first(project: Projects) -> None:
    """`down` of the project that made the network leaves it to those that are on it, and `up` finds them there; the last one takes it."""
    site, proxy = both(project)
    assert "still in use" in site("down").said
    assert call(proxy, "proxy-proxy-1", "alone") == "alone"
    assert "site_front" in proxy("network", "ls").out
    site("up", "-d")
    assert call(proxy, "proxy-proxy-1", "web") == "web-of-site"
    assert call(site, "site-web-1", "alone") == "alone"
    site("down")
    proxy("down")
    assert "site_front" not in proxy("network", "ls").out
    assert not (proxy.places.root / "networks/site_front").exists()
    assert not (proxy.places.run / "networks").exists()


def test_a_missing_network_is_one_error_with_its_place(composer: Composer) -> None:
    """File, line, and the command that makes it; nothing is half-made; that command is enough."""
    composer.write("""\
    services: {web: {image: busybox, command: [sleep, infinity], networks: [proxy]}}
    networks:
      proxy:
        external: true
    """)
    done = composer("up", "-d", code=1)
    assert "networks.proxy: external network proxy does not exist" in done.err
    assert "compose.yaml, line 3, column 3" in done.err
    assert "hint: composer network create proxy" in done.err
    assert not composer.ps()
    composer("network", "create", "proxy")
    composer("up", "-d")
    refused = composer("network", "rm", "proxy", code=1)
    assert "in use by shop" in refused.err
    composer("down")
    assert composer("network", "rm", "proxy").out == "proxy\n"
    assert "proxy" not in composer("network", "ls").out


def test_a_network_of_nobody_keeps_its_members_together(project: Projects) -> None:
    """Three projects on one network of `network create`, with its subnet, a fixed address and a container_name; `down` of one leaves it."""
    one, two, three = (project(name) for name in ("one", "two", "three"))
    made = one("network", "create", "--subnet", "10.77.20.0/24", "--gateway", "10.77.20.254", "--ip-range", "10.77.20.128/25",
               "--label", "team=web", "proxy").out.strip()
    try:
        for composer, fixed in ((one, "10.77.20.9"), (two, "10.77.20.10"), (three, "10.77.20.9")):
            name = composer.folder.name
            composer.write(SERVER + f"""
    services:
      web: {{<<: *server, hostname: {name}, container_name: the-{name}, networks: {{proxy: {{ipv4_address: {fixed}}}}}}}
      any: {{<<: *server, networks: [proxy, default]}}
    networks: {{proxy: {{external: true}}}}
    """)
        one("up", "-d")
        two("up", "-d")
        assert "10.77.20.9" in three("up", "-d", code=1).err
        three.write((three.folder / "compose.yaml").read_text().replace("10.77.20.9", "10.77.20.11"))
        three("up", "-d")
        assert call(three, "three-any-1", "the-one") == "one"
        assert call(one, "the-one", "the-three") == "three"
        assert len(lookup(one, "the-one", "web").values) == 3, "as with docker, a service's name is of all projects that have one"
        [shown] = json.loads(one("network", "inspect", "proxy").out)
        assert (shown["Id"], shown["Labels"], shown["Internal"]) == (made, {"team": "web"}, False)
        assert shown["IPAM"]["Config"] == [{"Subnet": "10.77.20.0/24", "IPRange": "10.77.20.128/25", "Gateway": "10.77.20.254"}]
        assert {one["Name"] for one in shown["Containers"].values()} == {
            "the-one", "the-two", "the-three", "one-any-1", "two-any-1", "three-any-1"}
        two("down")
        assert call(three, "three-any-1", "the-one") == "one"
        assert one("network", "ls", "--filter", "label=team=web", "-q").out.strip() == made[:12]
        assert "overlaps" in one("network", "create", "--subnet", "10.77.20.0/25", "other", code=1).err
    finally:
        for composer in (one, two, three):
            composer.clear()
        one("network", "rm", "-f", "proxy")


def test_after_a_reboot(project: Projects) -> None:
    """Namespaces, links and the switch are gone; `up` of each side brings all back with the same addresses."""
    site, proxy = both(project)
    before = address_of(site, "site-web-1", "front"), address_of(proxy, "proxy-proxy-1", "site")
    for composer in (site, proxy):
        for pid in keepers(composer).values():
            kill(pid)
    power_off(*(places_of(composer) for composer in (site, proxy)))
    proxy("up", "-d")
    assert call(proxy, "proxy-proxy-1", "alone") == "alone"
    site("up", "-d")
    assert (address_of(site, "site-web-1", "front"), address_of(proxy, "proxy-proxy-1", "site")) == before
    assert call(proxy, "proxy-proxy-1", "web") == "web-of-site"
    assert call(site, "site-web-1", "proxy") == "proxy"


def test_killed_while_it_joins(project: Projects) -> None:
    """Supervisor and guard die at any moment of `up`: the next `up` converges, and the one that stayed has noticed nothing."""
    site, proxy = both(project)
    for delay in DELAYS:
        proxy("down")
        running = proxy.start("up", "-d")
        with suppress(subprocess.TimeoutExpired):
            running.wait(delay)
        with suppress(AssertionError, ValueError, ProcessLookupError):
            for pid in keepers(proxy).values():
                kill(pid)
        running.communicate()
        proxy("up", "-d")
        assert call(proxy, "proxy-proxy-1", "web") == "web-of-site", delay
        assert call(site, "site-web-1", "alone") == "alone", delay
