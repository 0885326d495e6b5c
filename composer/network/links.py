"""Bridges, veth pairs, addresses and routes over netlink, in the network namespace of the calling thread."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network

from composer.errors import NetworkError
from composer.network import rtnetlink
from composer.network.rtnetlink import AnyInterface, End, Request, Route

SIOCGIFADDR, SIOCGIFMTU = 0x8915, 0x8921  # netdevice(7)
SIOCGIFBR, GET_BRIDGES = 0x8940, 1  # linux/if_bridge.h
EVERYWHERE, EVERYWHERE6 = IPv4Network("0.0.0.0/0"), IPv6Network("::/0")


def names() -> frozenset[str]:
    """All links of this namespace."""
    return frozenset(name for _, name in socket.if_nameindex())


def bridges() -> frozenset[str]:
    """All bridges of this namespace."""
    found = array("i", [0] * 1024)
    question = array("L", [GET_BRIDGES, found.buffer_info()[0], len(found)])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        count = fcntl.ioctl(asker, SIOCGIFBR, question, True)
    return frozenset(socket.if_indextoname(index) for index in found[:count])


def address_of(link: str) -> IPv4Address | None:
    """A link's IPv4 address; None without one, or without the link."""
    try:
        return IPv4Address(_asked(SIOCGIFADDR, link)[20:24])
    except OSError:
        return None


@contextmanager
def netlink(what: str) -> Iterator[Links]:
    """A netlink socket of this namespace, for this thread only; errors say that it was about `what`."""
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE) as asker:
            yield Links(asker)
    except OSError as error:
        raise NetworkError(f"{what}: {error.strerror}", hint="composer needs root" if error.errno == errno.EPERM else "") from error


@dataclass(frozen=True, slots=True)
class Link:
    index: int
    mtu: int


LOOPBACK = Link(1, 65536)  # the first link of every namespace


@dataclass(frozen=True, slots=True)
class Links:
    """The links of one namespace."""

    asker: socket.socket

    def do(self, *requests: Request) -> None:
        """All of them in one packet, in their order; the first refusal that is not fine is raised (OSError), the others are tried
        nevertheless."""
        self.asker.send(b"".join(rtnetlink.packed(request, number) for number, request in enumerate(requests)))
        refused: dict[int, int] = {}
        left = len(requests)
        while left:
            for _, number, body in rtnetlink.messages(self.asker.recv(1 << 16)):  # each request is answered once, 0 for done
                left -= 1
                code = -struct.unpack_from("=i", body)[0]
                if code and code not in requests[number].fine:
                    refused[number] = code
        if refused:
            code = refused[min(refused)]
            raise OSError(code, os.strerror(code))

    def look(self, request: Request) -> Iterator[bytes]:
        """What the kernel has, one body each."""
        self.asker.send(rtnetlink.packed(request, 0))
        while True:
            for kind, _, body in rtnetlink.messages(self.asker.recv(1 << 16)):
                if kind == rtnetlink.DONE:
                    return
                if kind == rtnetlink.ERROR:
                    code = -struct.unpack_from("=i", body)[0]
                    raise OSError(code, os.strerror(code))
                yield body

    def find(self, name: str) -> Link:
        """A link that has to be there. Over ioctl: netlink's answer is long."""
        return Link(socket.if_nametoindex(name), struct.unpack_from("i", _asked(SIOCGIFMTU, name), 16)[0])

    def remove(self, name: str) -> None:
        """Delete a link; one that is gone is fine."""
        self.do(rtnetlink.remove_link(name, errno.ENODEV))

    def add_bridge(self, name: str, *, mac: str, mtu: int) -> Link:
        """Its MAC is explicit: else it is that of a port, and changes with it, and neighbours lose the gateway for 40 s."""
        if name not in names():
            self.do(rtnetlink.add_bridge(name, mac_address=mac, mtu=mtu))
        return self.find(name)

    def add_veth(self, here: End, there: End, mtu: int) -> None:
        """A pair with one end here and the other directly in another namespace; a former pair of that name goes.

        A namespace dies some time after its last process, so the pair of a container that ended can still be there."""
        try:
            self.do(rtnetlink.add_veth(here, there, mtu))
        except OSError as refused:
            if refused.errno != errno.EEXIST:
                raise
            self.remove(here.name)
            self.do(rtnetlink.add_veth(here, there, mtu))

    def finish_port(self, link: Link, name: str, bridge: Link) -> None:
        """Name it, make it a bridge's port and switch it on, all in one."""
        self.do(rtnetlink.finish_port(link.index, name, bridge.index))

    def up(self, link: Link) -> None:
        self.do(rtnetlink.link_up(link.index))

    def isolate(self, name: str) -> None:
        """A bridge's port from which no other isolated port can be reached (bridge(8))."""
        self.do(rtnetlink.isolate_port(socket.if_nametoindex(name)))

    def add_address(self, link: Link, address: AnyInterface) -> None:
        """Add an address, with the broadcast address of its network; one that is there stays."""
        self.do(address_request(link, address))

    def default_route(self, link: Link, gateway: str) -> None:
        self.do(default_route_request(link, gateway))

    def unreachable_route(self, network: IPv4Network) -> None:
        """What is sent to this network and has no better route ends here."""
        self.do(rtnetlink.add_route(Route(network, kind=rtnetlink.UNREACHABLE, priority=rtnetlink.LAST), errno.EEXIST))

    def routes(self) -> Iterator[tuple[str, IPv4Network]]:
        """(link, destination) of the IPv4 routes of all tables that lead somewhere, loopback and default routes left out."""
        linked = {index: name for index, name in socket.if_nameindex()}
        for route in map(rtnetlink.read_route, self.look(rtnetlink.all_routes())):
            leads, destination = route.kind in (rtnetlink.UNICAST, rtnetlink.LOCAL_ROUTE), route.destination
            if leads and isinstance(destination, IPv4Network) and destination.prefixlen and not destination.is_loopback:
                yield linked.get(route.link, ""), destination

    def default_routes6(self) -> list[int]:
        """Who made the IPv6 default routes (rtnetlink(7), rtm_protocol); those that lead nowhere are left out."""
        found = map(rtnetlink.read_route, self.look(rtnetlink.all_routes(rtnetlink.INET6)))
        return [route.maker for route in found if not route.destination.prefixlen and route.kind == rtnetlink.UNICAST]

    def local_addresses(self) -> frozenset[str]:
        return frozenset(map(rtnetlink.read_address, self.look(rtnetlink.all_addresses())))

    def default_mtu(self) -> int:
        """The MTU of the way out: that of the default route, or of its link."""
        found = map(rtnetlink.read_route, self.look(rtnetlink.all_routes()))
        defaults = [route for route in found if route.destination == EVERYWHERE and route.kind == rtnetlink.UNICAST and route.link]
        if not defaults:
            return 1500
        first = min(defaults, key=lambda route: route.priority)
        return first.mtu or self.find(socket.if_indextoname(first.link)).mtu


def address_request(link: Link, address: AnyInterface) -> Request:
    """Add an address; one that is there stays."""
    return rtnetlink.add_address(link.index, address, errno.EEXIST)


def default_route_request(link: Link, gateway: str) -> Request:
    """One that is there stays."""
    return rtnetlink.add_route(Route(EVERYWHERE6 if ":" in gateway else EVERYWHERE, link.index, gateway), errno.EEXIST)


def local_route_request(link: Link, address: str, *, gateway: str, source: str) -> Request:
    """Lead an address of 127.0.0.0/8 to a gateway: only the local table is asked for those."""
    return rtnetlink.add_route(Route(IPv4Network(address), link.index, gateway, source, table=rtnetlink.LOCAL))


def _asked(question: int, link: str) -> bytes:
    """The answer of an ioctl about a link: a struct ifreq."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        return fcntl.ioctl(asker, question, struct.pack("256s", link.encode()))
