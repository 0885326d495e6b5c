"""A container's network: one veth pair a network, made from the project's namespace with its end directly in the container's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Interface

from composer.errors import NetworkError
from composer.network import sysctls
from composer.network.links import LOOPBACK, Link, Links, names, netlink
from composer.network.namespaces import Namespace, apart, opened
from composer.observed import Endpoint, NetworkState, Process

#: Where containers look for the resolver.
RESOLVER = "127.0.0.11"


def plug(project: Namespace, process: Process, endpoints: Sequence[Endpoint], networks: Mapping[str, NetworkState]) -> None:
    """Connect the namespace of `process`; undone as a whole when a part of it fails."""
    with _namespace_of(process) as netns:
        try:
            if endpoints:
                project.run(lambda: _make_pairs(endpoints, networks, netns))
            apart(lambda: _configure(endpoints, networks), netns=netns)
        except BaseException:
            unplug(project, endpoints)
            raise


def unplug(project: Namespace, endpoints: Sequence[Endpoint]) -> None:
    """Remove what is left of the pairs: mostly nothing, they go with the container's namespace."""

    def remove() -> None:
        left = names() & {endpoint.peer for endpoint in endpoints}
        if left:
            with netlink("veth pairs") as links:
                for peer in left:
                    links.remove(peer)

    project.run(remove)


@contextmanager
def _namespace_of(process: Process) -> Iterator[int]:
    """Its network namespace. The process is looked at after the file is open, so that the number cannot be another's by then."""
    with opened(f"/proc/{process.pid}/ns/net") as netns:
        if _start_time(process.pid) != process.start_time:
            raise NetworkError(f"process {process.pid} of the container has ended")
        yield netns


def _start_time(pid: int) -> int:
    """Clock ticks since boot (proc(5), stat, field 22); the name in field 2 may hold anything but ends with the last parenthesis."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return int(file.read().rpartition(")")[2].split()[19])
    except OSError as error:
        raise NetworkError(f"process {pid} of the container has ended") from error


def _make_pairs(endpoints: Sequence[Endpoint], networks: Mapping[str, NetworkState], netns: int) -> None:
    with netlink("veth pairs") as links:
        for endpoint in endpoints:
            bridge = links.find(networks[endpoint.network].bridge)
            links.add_veth(endpoint.peer, netns=netns, peer=endpoint.interface, peer_mac=endpoint.mac, mtu=bridge.mtu, master=bridge.index)


def _configure(endpoints: Sequence[Endpoint], networks: Mapping[str, NetworkState]) -> None:
    with netlink("the container's network") as links:
        links.up(LOOPBACK)
        for endpoint in endpoints:
            _configure_one(links, links.find(endpoint.interface), endpoint)
        if endpoints:
            _lead_to_resolver(links, endpoints, networks)


def _configure_one(links: Links, link: Link, endpoint: Endpoint) -> None:
    sysctls.put(sysctls.ENDPOINT, link=endpoint.interface)
    links.add_address(link, IPv4Interface(endpoint.address))
    links.up(link)
    if endpoint.default_route:
        links.default_route(link, endpoint.gateway)


def _lead_to_resolver(links: Links, endpoints: Sequence[Endpoint], networks: Mapping[str, NetworkState]) -> None:
    """By the network of the default route, else by the first: an internal network's gateway answers too."""
    chosen = next((endpoint for endpoint in endpoints if endpoint.default_route), endpoints[0])
    sysctls.put(sysctls.RESOLVER, link=chosen.interface)
    gateway = chosen.gateway or networks[chosen.network].gateway
    links.local_route(links.find(chosen.interface), RESOLVER, gateway=gateway, source=str(IPv4Interface(chosen.address).ip))
