"""A container's network: one veth pair a network, made from the project's namespace with its end directly in the container's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Interface, ip_interface

from composer.errors import NetworkError
from composer.network import sysctls
from composer.network.links import (
    LOOPBACK,
    Link,
    Links,
    address_request,
    default_route_request,
    local_route_request,
    names,
    netlink,
)
from composer.network.namespaces import Namespace, apart, enter, opened
from composer.network.rtnetlink import End, Request, link_up
from composer.observed import Endpoint, NetworkState, Process
from composer.procfs import start_time

#: Where containers look for the resolver.
RESOLVER = "127.0.0.11"


def plug(project: Namespace, process: Process, endpoints: Sequence[Endpoint], networks: Mapping[str, NetworkState]) -> None:
    """Connect the namespace of `process`; undone as a whole when a part of it fails."""
    with _namespace_of(process) as netns:
        try:
            if endpoints:
                project.run(lambda: _plug(endpoints, networks, netns))
            else:
                apart(lambda: _configure((), networks), netns=netns)
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
        if start_time(process.pid) != process.start_time:
            raise NetworkError(f"process {process.pid} of the container has ended")
        yield netns


def _plug(endpoints: Sequence[Endpoint], networks: Mapping[str, NetworkState], netns: int) -> None:
    """One thread for both ends."""
    _make_pairs(endpoints, networks, netns)
    enter(netns)
    _configure(endpoints, networks)


def _make_pairs(endpoints: Sequence[Endpoint], networks: Mapping[str, NetworkState], netns: int) -> None:
    with netlink("veth pairs") as links:
        for endpoint in endpoints:
            bridge = links.find(networks[endpoint.network].bridge)
            here, there = End(endpoint.peer, master=bridge.index), End(endpoint.interface, endpoint.mac, namespace=netns)
            links.add_veth(here, there, bridge.mtu)
            if networks[endpoint.network].isolated:
                links.isolate(endpoint.peer)


def _configure(endpoints: Sequence[Endpoint], networks: Mapping[str, NetworkState]) -> None:
    """In the container's namespace: all in one packet."""
    with netlink("the container's network") as links:
        requests = [link_up(LOOPBACK.index)]
        for endpoint in endpoints:
            requests += _one(links.find(endpoint.interface), endpoint)
        if endpoints:
            requests.append(_way_to_resolver(links, endpoints, networks))
        links.do(*requests)


def _one(link: Link, endpoint: Endpoint) -> Iterator[Request]:
    addresses = [one for one in (endpoint.address, endpoint.address6, *endpoint.link_local) if one]
    # Before the link is up.
    sysctls.put(sysctls.WITH_IPV6 if any(":" in one for one in addresses) else sysctls.ENDPOINT, link=endpoint.interface)
    sysctls.put(endpoint.sysctls, link=endpoint.interface)
    yield from (address_request(link, ip_interface(one)) for one in addresses)
    yield link_up(link.index)
    if endpoint.default_route:
        yield default_route_request(link, endpoint.gateway)
    if endpoint.default_route6:
        yield default_route_request(link, endpoint.gateway6)


def _way_to_resolver(links: Links, endpoints: Sequence[Endpoint], networks: Mapping[str, NetworkState]) -> Request:
    """By the network of the default route, else by the first: an internal network's gateway answers too."""
    chosen = next((endpoint for endpoint in endpoints if endpoint.default_route), endpoints[0])
    sysctls.put(sysctls.RESOLVER, link=chosen.interface)
    gateway = chosen.gateway or networks[chosen.network].gateway
    source = str(IPv4Interface(chosen.address).ip)
    return local_route_request(links.find(chosen.interface), RESOLVER, gateway=gateway, source=source)
