"""What a container takes from another one by name: namespaces, volumes, links; and Docker's own networks."""

from __future__ import annotations

import os
from collections.abc import Callable

from tests.command_line import Composer
from tests.inside import lookup, talk
from tests.machine import Machine
from tests.network_world import reachable
from tests.records import pid_of

Projects = Callable[..., Composer]

SERVER = """
    x-server: &server
      image: busybox
      command: [nc, -ll, -p, "80", -e, hostname]
      stop_grace_period: 0s
"""


def namespace(composer: Composer, container: str, kind: str) -> str:
    return os.readlink(f"/proc/{pid_of(composer, container)}/ns/{kind}")


def test_namespaces_of_a_container_of_another_project(project: Projects) -> None:
    """Network with its hosts and names, pid and ipc; without the container, the error says what has to run."""
    vpn, client = project("vpn"), project("client")
    vpn.write(SERVER + "    services: {tunnel: {<<: *server, container_name: tunnel, hostname: till}}")
    client.write("""
    services:
      app:
        {image: busybox, command: [sleep, infinity], stop_grace_period: 0s,
         network_mode: "container:tunnel", pid: "container:tunnel", ipc: "container:tunnel"}
    """)
    assert "tunnel does not run" in client("up", "-d", code=1).err
    vpn("up", "-d")
    client("up", "-d")
    for kind in ("net", "pid", "ipc"):
        assert namespace(client, "client-app-1", kind) == namespace(vpn, "tunnel", kind)
    assert client.inside("app", "cat", "/etc/hostname") == "till\n"
    assert lookup(client, "client-app-1", "tunnel").values


def test_a_container_of_the_same_project_is_made_first(composer: Composer) -> None:
    """And who shares its network is restarted after it."""
    composer.write(SERVER + """
    services:
      app: {<<: *server, network_mode: "container:the-owner", command: [sleep, infinity]}
      owner: {<<: *server, container_name: the-owner}
    """)
    composer("up", "-d")
    assert namespace(composer, "shop-app-1", "net") == namespace(composer, "the-owner", "net")
    composer("up", "-d", "--force-recreate")
    assert namespace(composer, "shop-app-1", "net") == namespace(composer, "the-owner", "net")


def test_volumes_of_others(project: Projects) -> None:
    """Binds, named and anonymous volumes of a service and of another project's container; own targets win, :ro is for all of them."""
    shop, backup = project("shop"), project("backup")
    (shop.folder / "conf").mkdir()
    shop.write("""
    x-idle: &idle {image: busybox, command: [sleep, infinity], stop_grace_period: 0s}
    services:
      db: {<<: *idle, volumes: ["data:/data", "/scratch", "./conf:/conf"], tmpfs: [/own]}
      sees: {<<: *idle, volumes_from: [db], volumes: ["other:/conf"]}
      reads: {<<: *idle, volumes_from: ["db:ro"]}
    volumes: {data: {}, other: {}}
    """)
    backup.write("""
    services: {copy: {image: busybox, command: [sleep, infinity], stop_grace_period: 0s, volumes_from: ["container:shop-db-1:ro"]}}
    """)
    shop("up", "-d")
    backup("up", "-d")
    shop.inside("db", "sh", "-c", "for d in data scratch conf; do echo $d > /$d/file; done")
    for composer, service in ((shop, "sees"), (shop, "reads"), (backup, "copy")):
        assert composer.inside(service, "cat", "/data/file", "/scratch/file") == "data\nscratch\n", service
    assert shop("exec", "-T", "sees", "cat", "/conf/file", code=None).code
    assert backup.inside("copy", "cat", "/conf/file") == "conf\n"
    assert shop("exec", "-T", "reads", "touch", "/scratch/x", code=None).code
    shop.inside("sees", "touch", "/scratch/x")
    shop("up", "-d", "--force-recreate")
    assert shop.inside("sees", "cat", "/data/file", "/scratch/file") == "data\nscratch\n"


def test_external_links(project: Projects) -> None:
    """Another name of a container of another project, for this service alone."""
    site, client = project("site"), project("client")
    site.write(SERVER + "    services: {web: {<<: *server, hostname: site-web}}")
    client.write(SERVER + """
    services:
      app: {<<: *server, networks: [site], external_links: ["site-web-1:shop"]}
      bare: {<<: *server, networks: [site]}
    networks: {site: {external: true, name: site_default}}
    """)
    site("up", "-d")
    client("up", "-d")
    (address,) = lookup(client, "client-app-1", "shop").values
    assert talk(client, "client-app-1", address, 80) == "site-web"
    assert not lookup(client, "client-bare-1", "shop").values


def test_the_engines_own_networks(machine: Machine) -> None:
    """`network_mode: bridge` goes out and publishes; an external network `host` is the host's, `none` has loopback alone."""
    shop = machine.project()
    shop.write(SERVER + """
    services:
      bridged: {<<: *server, network_mode: bridge, hostname: bridged, ports: ["8080:80"]}
      open: {<<: *server, networks: [outside], command: [nc, -ll, -p, "8088", -e, hostname]}
      alone: {<<: *server, networks: [nothing]}
    networks:
      outside: {external: true, name: host}
      nothing: {external: true, name: none}
    """)
    shop("up", "-d")
    assert reachable(machine.outside, "198.51.100.1", 8080)
    assert reachable(machine.outside, "198.51.100.1", 8088)
    assert "eth0" not in shop.inside("alone", "ip", "address")
    shop.write(SERVER + """
    services: {web: {<<: *server, networks: [outside, default]}}
    networks: {outside: {external: true, name: host}}
    """)
    refused = shop("up", "-d", code=1)
    assert "services.web.networks.outside" in refused.err
    assert "compose.yaml, line" in refused.err
