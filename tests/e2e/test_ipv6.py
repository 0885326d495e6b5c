"""Networks with IPv6, and what else an attachment and a network's driver can be told."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.command_line import Composer
from tests.inside import address_of, lookup, reaches, shell, talk
from tests.machine import Machine
from tests.network_world import ask, sh

SERVER = """
    x-server: &server
      image: busybox
      command: [nc, -ll, -p, "80", -e, hostname]
      stop_grace_period: 0s
"""


def addresses(composer: Composer, container: str, interface: str) -> list[str]:
    """The addresses of an interface, with prefix, those of the link left out."""
    (link,) = json.loads(shell(composer, container, f"ip -json address show {interface}"))
    return [f"{one['local']}/{one['prefixlen']}" for one in link["addr_info"] if not one["local"].startswith("fe80")]


def test_a_network_with_ipv6(composer: Composer) -> None:
    """Both families, fixed and given addresses, AAAA and reverse names; nobody else gets IPv6, and nothing waits for DAD."""
    composer.write(SERVER + """
    services:
      web: {<<: *server, hostname: web, networks: {six: {ipv6_address: "2001:db8:1::20"}}}
      app: {<<: *server, hostname: app, networks: [six, own]}
      four: {<<: *server, networks: [four]}
    networks:
      six: {enable_ipv6: true, ipam: {config: [{subnet: "2001:db8:1::/64", gateway: "2001:db8:1::ff"}, {subnet: 10.77.30.0/24}]}}
      own: {enable_ipv6: true}
      four: {}
    """)
    composer("up", "-d")
    assert "2001:db8:1::20/64" in addresses(composer, "shop-web-1", "eth0")
    assert address_of(composer, "shop-web-1", "six").startswith("10.77.30.")
    assert lookup(composer, "shop-app-1", "web", "AAAA").values == ("2001:db8:1::20",)
    assert lookup(composer, "shop-app-1", "web", "A").values == (address_of(composer, "shop-web-1", "six"),)
    reverse = ".".join(reversed("20010db8000100000000000000000020")) + ".ip6.arpa"
    assert lookup(composer, "shop-app-1", reverse, "PTR").values == ("shop-web-1.shop_six.",)
    assert talk(composer, "shop-app-1", "2001:db8:1::20", 80) == "web"
    (app,) = lookup(composer, "shop-web-1", "app", "AAAA").values
    assert talk(composer, "shop-web-1", app, 80) == "app"
    assert "default via 2001:db8:1::ff" in shell(composer, "shop-web-1", "ip -6 route")
    own = addresses(composer, "shop-app-1", "eth0") + addresses(composer, "shop-app-1", "eth1")
    assert len([one for one in own if one.startswith("fd")]) == 1
    assert not [one for one in addresses(composer, "shop-four-1", "eth0") if ":" in one]
    assert "2001:db8:1::20" in composer.inside("web", "cat", "/etc/hosts")
    assert composer("up", "-d").said == ""


def test_out_and_in_by_ipv6(machine: Machine) -> None:
    """Where the host has a default route, containers go out under its address; published ports are reached by IPv6, too."""
    shop = machine.project()
    sh(machine.inside, "sysctl -qw net.ipv6.conf.eth0.accept_dad=0; ip -6 address add 2001:db8:9::1/64 dev eth0 nodad")
    sh(machine.outside, "ip -6 address add 2001:db8:9::2/64 dev eth0 nodad")
    sh(machine.inside, "ip -6 route add default via 2001:db8:9::2")
    machine.serve("far", machine.outside, 80, address="::")
    shop.write(SERVER + """
    services: {web: {<<: *server, hostname: web, ports: ["8080:80"]}}
    networks: {default: {enable_ipv6: true}}
    """)
    shop("up", "-d")
    assert talk(shop, "shop-web-1", "2001:db8:9::2", 80) == "far 2001:db8:9::1"
    assert ask(machine.outside, "2001:db8:9::1", 8080).strip() == "web"


def test_options_of_a_network(composer: Composer) -> None:
    """MTU, containers apart from each other, and the bridge's name; a container reaches its gateway all the same."""
    composer.write(SERVER + """
    services:
      one: {<<: *server, networks: [apart]}
      two: {<<: *server, networks: [apart]}
    networks:
      apart:
        driver_opts:
          com.docker.network.driver.mtu: 1380
          com.docker.network.bridge.enable_icc: "false"
          com.docker.network.bridge.name: shop0
    """)
    composer("up", "-d")
    assert "mtu 1380" in shell(composer, "shop-one-1", "ip link show eth0")
    assert not reaches(composer, "shop-one-1", address_of(composer, "shop-two-1", "apart"), 80)
    assert lookup(composer, "shop-one-1", "two").values
    assert composer("up", "-d").said == ""


def test_options_of_an_attachment(composer: Composer) -> None:
    """Interface names, addresses of the link, settings of the interface."""
    composer.write(SERVER + """
    services:
      web:
        <<: *server
        networks:
          front: {interface_name: wan0, link_local_ips: [169.254.7.7]}
          back:
            driver_opts:
              com.docker.network.endpoint.ifname: lan0
              com.docker.network.endpoint.sysctls: net.ipv4.conf.IFNAME.log_martians=1,net.ipv4.conf.IFNAME.forwarding=0
    networks: {front: {}, back: {}}
    """)
    composer("up", "-d")
    assert "169.254.7.7/16" in addresses(composer, "shop-web-1", "wan0")
    assert composer.inside("web", "cat", "/proc/sys/net/ipv4/conf/lan0/log_martians") == "1\n"
    assert composer.inside("web", "cat", "/proc/sys/net/ipv4/conf/wan0/log_martians") == "0\n"


def test_ports_of_a_network_with_an_address_of_the_host(machine: Machine) -> None:
    """`host_binding_ipv4` is where ports without an address of their own are published."""
    shop = machine.project()
    shop.write(SERVER + """
    services: {web: {<<: *server, ports: ["8080:80", "0.0.0.0:8081:80"]}}
    networks: {default: {driver_opts: {com.docker.network.bridge.host_binding_ipv4: 127.0.0.1}}}
    """)
    shop("up", "-d")
    assert shop("port", "web", "80").out.startswith("127.0.0.1:8080")
    assert ask(machine.inside, "127.0.0.1", 8080)
    assert ask(machine.outside, "198.51.100.1", 8081)


def test_forwarding_is_left_alone_where_it_would_do_harm(machine: Machine) -> None:
    """A default route of a router advertisement would be forgotten by a host that forwards: then there is no way out by IPv6."""
    shop = machine.project()
    sh(machine.inside, "sysctl -qw net.ipv6.conf.eth0.accept_dad=0 net.ipv6.conf.all.forwarding=0")
    sh(machine.inside, "ip -6 address add 2001:db8:9::1/64 dev eth0 nodad; ip -6 route add default via 2001:db8:9::2 proto ra")
    shop.write(SERVER + "    services: {web: {<<: *server, hostname: web}}\n    networks: {default: {enable_ipv6: true}}")
    shop("up", "-d")
    assert sh(machine.inside, "sysctl -n net.ipv6.conf.all.forwarding").strip() == "0"
    assert "default" in sh(machine.inside, "ip -6 route")
    assert lookup(shop, "shop-web-1", "web", "AAAA").values


def test_reserved_addresses(composer: Composer) -> None:
    """`aux_addresses` go to nobody, of either family."""
    composer.write(SERVER + """
    services: {web: {<<: *server, scale: 2}}
    networks:
      default:
        enable_ipv6: true
        ipam:
          config:
            - {subnet: 10.77.31.0/29, aux_addresses: {one: 10.77.31.2, two: 10.77.31.4}}
            - {subnet: "2001:db8:2::/64", aux_addresses: {one: "2001:db8:2::2"}}
    """)
    composer("up", "-d")
    given = {one for number in (1, 2) for one in addresses(composer, f"shop-web-{number}", "eth0")}
    assert given == {"10.77.31.3/29", "10.77.31.5/29", "2001:db8:2::3/64", "2001:db8:2::4/64"}


def test_ipv6_between_projects(project: Callable[..., Composer]) -> None:
    """A shared network carries both families, and each container has the gateway of its own project."""
    one, two = project("one"), project("two")
    one("network", "create", "--ipv6", "both")
    try:
        for composer in (one, two):
            name = composer.folder.name
            composer.write(SERVER + f"    services: {{{name}: {{<<: *server, hostname: {name}, networks: [both]}}}}\n"
                           "    networks: {both: {external: true}}")
            composer("up", "-d")
        (address,) = lookup(one, "one-one-1", "two", "AAAA").values
        assert talk(one, "one-one-1", address, 80) == "two"
        (address,) = lookup(two, "two-two-1", "one", "AAAA").values
        assert talk(two, "two-two-1", address, 80) == "one"
        [shown] = json.loads(one("network", "inspect", "both").out)
        gateway = next(config["Gateway"] for config in shown["IPAM"]["Config"] if ":" in config["Gateway"])
        assert shown["EnableIPv6"] is True
        for composer, service in ((one, "one"), (two, "two")):
            assert "1 packets received" in composer.inside(service, "ping", "-6", "-c", "1", "-W", "2", gateway)
    finally:
        for composer in (one, two):
            composer.clear()
        one("network", "rm", "-f", "both")
