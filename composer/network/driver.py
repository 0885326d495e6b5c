"""`composer.host.Network` on a project's own network namespace."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Interface, IPv6Network

from composer.errors import NetworkError
from composer.host import Reservation
from composer.model.network import Network
from composer.network import conntrack, firewall, foreign, ports, sysctls
from composer.network.addresses import choose_pool, parse_pools
from composer.network.design import adopt, plan
from composer.network.holders import holder
from composer.network.links import LOOPBACK, bridges, names, netlink
from composer.network.namespaces import Namespace, apart, opened
from composer.network.plugs import RESOLVER, plug, unplug
from composer.network.published import Published
from composer.network.switch import Switch, trunk_name
from composer.network.uplinks import PROJECT_LINK, Uplink, VethUplink, host_routes, whole
from composer.observed import Endpoint, NetworkState, Process, Publication
from composer.store import ProjectPlaces


class SandboxNetwork:
    """The links, addresses, routes and packet rules of one project. "The host" is the namespace of the calling thread."""

    def __init__(self, places: ProjectPlaces) -> None:
        self._places = places
        self._namespace = Namespace(places.netns)
        self._uplink: Uplink = VethUplink(places.hash, self._namespace, _pool, places.top.run / "uplinks.lock")
        self._table = firewall.host_table(places.hash)
        self._published = Published(self._namespace, self._uplink, self._table)

    # ------------------------------------------------------------ sandbox

    def create_sandbox(self) -> None:
        """See `Network.create_sandbox`. What is half-made is completed; what somebody else removed comes back."""
        fresh = not self._namespace.exists()
        try:
            self._namespace.make()
            self._namespace.run(self._prepare_inside)
            self._open_to_host()
        except BaseException as error:
            if fresh:
                with suppress(NetworkError, OSError):
                    self.remove_sandbox()
            if isinstance(error, OSError):
                raise NetworkError(f"the project's network: {error}") from error
            raise

    def heal(self) -> None:
        """Put back what others flushed on the host: the project's table, the rule in another tool's firewall, forwarding. Complete
        what a killed `create_sandbox` left half-made, too: it makes the host's table late."""
        if not self._namespace.exists():
            return
        if self._uplink.ends() is None or not firewall.host_table_exists(self._table):
            self._namespace.run(self._prepare_inside)
            self._open_to_host()
        else:
            self._open_forwarding()
        for one in self._places.top.networks():
            Switch(self._places.top, one.name).connect(self._places)

    def remove_sandbox(self) -> None:
        """See `Network.remove_sandbox`. Goes on after an error and reports all."""
        steps: list[Callable[[], None]] = [
            lambda: foreign.close_for(self._uplink.link),
            lambda: firewall.remove_host_table(self._table),
            self._forget_connections,
            self._empty_inside,
            self._uplink.remove,
            self._namespace.remove,
        ]
        self._published.reset()
        _all_of(steps)

    def sandbox_exists(self) -> bool:
        return self._namespace.exists()

    def _prepare_inside(self) -> None:
        sysctls.put(sysctls.PROJECT)
        with netlink("the project's namespace") as links:
            links.up(LOOPBACK)
        firewall.make_project_table()

    def _open_to_host(self) -> None:
        ends = self._uplink.ensure()
        self._namespace.run(lambda: _hold_back(_pool_of(ends.host)))
        self._published.restore()
        self._open_forwarding()

    def _open_forwarding(self) -> None:
        # Stays on when the sandbox goes: others on this host may have come to need it, and nobody can tell.
        sysctls.put({"ipv4/ip_forward": "1"})
        foreign.open_for(self._uplink.link)

    def _forget_connections(self) -> None:
        ends = self._uplink.ends()
        if ends:
            apart(lambda: conntrack.forget_from(ends.project))

    def _empty_inside(self) -> None:
        if self._namespace.exists():
            self._namespace.run(_remove_everything)

    # ------------------------------------------------------------ networks

    def plan_network(
        self, network: Network, others: Sequence[NetworkState], fingerprint: str, *, elsewhere: Sequence[str] = ()
    ) -> NetworkState:
        if network.driver not in ("", "default", "bridge"):
            raise NetworkError(f"networks.{network.key}.driver: {network.driver} is not possible, only bridge is")
        return plan(network, others, _pool(), fingerprint, elsewhere=elsewhere, machine=_machine_id())

    def adopt_network(self, network: Network, found: NetworkState, others: Sequence[NetworkState]) -> NetworkState:
        return adopt(network, found, others)

    def create_network(self, network: NetworkState) -> None:
        ends = whole(self._uplink.ends())
        subnet = IPv4Network(network.subnet)
        if ends.host in subnet or ends.project in subnet:
            raise NetworkError(f"network {network.name}: {subnet} holds {ends.host}, the address of the project's uplink",
                               hint="choose another subnet, or set COMPOSER_ADDRESS_POOL to keep composer's own addresses away from it")
        try:
            self._namespace.run(lambda: _make_bridge(network))
            if network.subnet6 and not network.internal:
                self._uplink.open_ipv6()
            Switch(self._places.top, network.name).connect(self._places)
        except BaseException:
            with suppress(NetworkError):
                self.remove_network(network)
            raise

    def remove_network(self, network: NetworkState) -> None:
        if self._namespace.exists():
            self._namespace.run(lambda: _remove_bridge(network))

    def connect(self, name: str, member: str) -> None:
        Switch(self._places.top, name).connect(self._places.top.project(member))

    def disconnect(self, name: str) -> None:
        Switch(self._places.top, name).remove()

    def bridges(self) -> frozenset[str]:
        if not self._namespace.exists():
            return frozenset()
        return self._namespace.run(bridges)

    # ------------------------------------------------------------ containers

    def attach(self, process: Process, endpoints: Sequence[Endpoint], networks: Mapping[str, NetworkState]) -> None:
        plug(self._namespace, process, endpoints, networks)

    def detach(self, endpoints: Sequence[Endpoint]) -> None:
        if endpoints and self._namespace.exists():
            _all_of([lambda: unplug(self._namespace, endpoints), lambda: self._namespace.run(lambda: _forget(endpoints))])

    # ------------------------------------------------------------ published ports

    def reserve(self, publications: Sequence[Publication]) -> list[Reservation]:
        return ports.reserve(publications, lambda publication: holder(self._places.top, publication))

    def publish(self, key: str, publications: Sequence[Publication], endpoints: Sequence[Endpoint]) -> None:
        """See `Network.publish`. They lead to the endpoint with the default route; without one (internal networks only) nowhere,
        as with Docker."""
        chosen = next((endpoint for endpoint in endpoints if endpoint.default_route), None)
        if chosen and publications:
            self._published.lead(key, publications, str(IPv4Interface(chosen.address).ip))
        else:
            self.unpublish(key)

    def unpublish(self, key: str) -> None:
        if self._namespace.exists():
            self._published.end(key)

    # ------------------------------------------------------------ names

    def resolver_sockets(self) -> tuple[socket.socket, socket.socket]:
        return self._namespace.run(_resolver_sockets)

    def open_socket(self, family: int, kind: int) -> socket.socket:
        return self._namespace.run(lambda: socket.socket(family, kind))

    def open_socket_of(self, process: Process, family: int, kind: int) -> socket.socket:
        with opened(f"/proc/{process.pid}/ns/net") as netns:
            return apart(lambda: socket.socket(family, kind), netns=netns)

    def forward_address(self) -> str:
        return str(whole(self._uplink.ends()).project)

    def host_address(self) -> str:
        return str(whole(self._uplink.ends()).host)


def _pool() -> IPv4Network:
    return choose_pool(parse_pools(os.environ.get("COMPOSER_ADDRESS_POOL", "")), host_routes())


def _machine_id() -> str:
    """machine-id(5); a machine without one has its name."""
    with suppress(OSError), open("/etc/machine-id") as file:
        return file.read().strip()
    return os.uname().nodename


def _pool_of(address: IPv4Address) -> IPv4Network:
    """The pool that an uplink was taken from, even if the host has got routes into it since."""
    pools = parse_pools(os.environ.get("COMPOSER_ADDRESS_POOL", ""))
    return next((pool for pool in pools if address in pool), IPv4Network((address, 31), strict=False))


def _hold_back(pool: IPv4Network) -> None:
    with netlink("the project's routes") as links:
        links.unreachable_route(pool)


def _make_bridge(network: NetworkState) -> None:
    with netlink(f"network {network.name}") as links:
        bridge = links.add_bridge(network.bridge, mac=network.mac, mtu=network.mtu or links.find(PROJECT_LINK).mtu)
        sysctls.put(sysctls.BRIDGE, link=network.bridge)
        links.add_address(bridge, IPv4Interface(f"{network.gateway}/{IPv4Network(network.subnet).prefixlen}"))
        if network.subnet6:
            sysctls.put(sysctls.WITH_IPV6, link=network.bridge)
            links.add_address(bridge, IPv6Interface(f"{network.gateway6}/{IPv6Network(network.subnet6).prefixlen}"))
        links.up(bridge)
    firewall.let_pass(network.bridge, internal=network.internal)


def _remove_bridge(network: NetworkState) -> None:
    with netlink(f"network {network.name}") as links:
        for link in names() & {network.bridge, trunk_name(network.name)}:
            links.remove(link)
    firewall.block(network.bridge)


def _remove_everything() -> None:
    with netlink("the project's links") as links:
        for name in names() - {"lo"}:
            links.remove(name)
    firewall.remove_project_table()


def _forget(endpoints: Sequence[Endpoint]) -> None:
    for endpoint in endpoints:
        conntrack.forget_marked(IPv4Interface(endpoint.address).ip)


def _resolver_sockets() -> tuple[socket.socket, socket.socket]:
    udp, tcp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        udp.bind((RESOLVER, 53))
        tcp.bind((RESOLVER, 53))
        tcp.listen(128)
    except OSError as error:
        udp.close()
        tcp.close()
        raise NetworkError(f"the resolver cannot have {RESOLVER}:53 in the project's namespace: {error.strerror}") from error
    return udp, tcp


def _all_of(steps: Sequence[Callable[[], None]]) -> None:
    """Do every step; one error is raised as it is, several as one."""
    errors: list[NetworkError] = []
    for step in steps:
        try:
            step()
        except NetworkError as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise NetworkError("; ".join(error.message for error in errors)) from errors[0]
