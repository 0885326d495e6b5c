"""Bridges, veth pairs, addresses and routes over netlink, in the network namespace of the calling thread.

pyroute2 costs 0.2 s to import, so it is imported at the first use; names of links are read without it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import TYPE_CHECKING

from composer.errors import NetworkError
from composer.network import library

if TYPE_CHECKING:
    from pyroute2 import IPRoute

SIOCGIFADDR, SIOCGIFMTU = 0x8915, 0x8921  # netdevice(7)
MAIN, LOCAL = 254, 255  # routing tables
LAST = 0xFEFFFFFF  # a metric that every other route goes before
UNICAST, LOCAL_ROUTE, UNREACHABLE = 1, 2, 7  # route types, rtnetlink(7)


def names() -> frozenset[str]:
    """All links of this namespace."""
    return frozenset(name for _, name in socket.if_nameindex())


def address_of(link: str) -> IPv4Address | None:
    """A link's IPv4 address; None without one, or without the link."""
    try:
        return IPv4Address(_asked(SIOCGIFADDR, link)[20:24])
    except OSError:
        return None


@contextmanager
def netlink(what: str) -> Iterator[Links]:
    """A netlink socket of this namespace, for this thread only; errors say that it was about `what`."""
    route_socket = library.iproute()
    from pyroute2.netlink.exceptions import NetlinkError

    try:
        with route_socket(strict_check=True) as socket_:
            yield Links(socket_)
    except NetlinkError as error:
        raise NetworkError(f"{what}: {os.strerror(error.code)}", hint="composer needs root" if error.code == errno.EPERM else "") from error
    except OSError as error:
        raise NetworkError(f"{what}: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class Link:
    index: int
    mtu: int


LOOPBACK = Link(1, 65536)  # the first link of every namespace


@dataclass(frozen=True, slots=True)
class Links:
    """The links of one namespace."""

    ip: IPRoute

    def find(self, name: str) -> Link:
        """A link that has to be there. Over ioctl: netlink's answer takes pyroute2 a millisecond to decode."""
        return Link(socket.if_nametoindex(name), struct.unpack_from("i", _asked(SIOCGIFMTU, name), 16)[0])

    def remove(self, name: str) -> None:
        """Delete a link; one that is gone is fine."""
        with _content(errno.ENODEV):
            self.ip.link("del", ifname=name)

    def add_bridge(self, name: str, *, mac: str, mtu: int) -> Link:
        """Its MAC is explicit: else it is that of a port, and changes with it, and neighbours lose the gateway for 40 s."""
        if name not in names():
            self.ip.link("add", ifname=name, kind="bridge", address=mac, mtu=mtu, br_stp_state=0, br_forward_delay=0)
        return self.find(name)

    def add_veth(self, name: str, *, netns: int, peer: str, mtu: int, peer_mac: str | None = None,
                 mac: str | None = None, master: int | None = None) -> None:
        """A pair with one end here, a bridge's port that is up if `master` is given, and the other directly in the namespace open at
        `netns`; a former pair of that name goes.

        A namespace dies some time after its last process, so the pair of a container that ended can still be there."""
        port = {"master": master, "state": "up"} if master else {}
        here = {"ifname": name, "kind": "veth", "mtu": mtu, **port, **({"address": mac} if mac else {})}
        there = {"ifname": peer, "mtu": mtu, "net_ns_fd": netns, **({"address": peer_mac} if peer_mac else {})}
        if name in names():
            self.remove(name)
        self.ip.link("add", **here, peer=there)

    def finish_port(self, link: Link, name: str, bridge: Link) -> None:
        """Name it, make it a bridge's port and switch it on, all in one."""
        self.ip.link("set", index=link.index, ifname=name, master=bridge.index, state="up")

    def up(self, link: Link) -> None:
        self.ip.link("set", index=link.index, state="up")

    def add_address(self, link: Link, address: IPv4Interface) -> None:
        """Add an address, with the broadcast address of its network; one that is there stays."""
        network = address.network
        broadcast = {} if network.prefixlen > 30 else {"broadcast": str(network.broadcast_address)}
        with _content(errno.EEXIST):
            self.ip.addr("add", index=link.index, address=str(address.ip), prefixlen=network.prefixlen, **broadcast)

    def default_route(self, link: Link, gateway: str) -> None:
        with _content(errno.EEXIST):
            self.ip.route("add", dst="0.0.0.0/0", gateway=gateway, oif=link.index)

    def local_route(self, link: Link, address: str, *, gateway: str, source: str) -> None:
        """Lead an address of 127.0.0.0/8 to a gateway: only the local table is asked for those."""
        self.ip.route("add", dst=f"{address}/32", gateway=gateway, oif=link.index, prefsrc=source, table=LOCAL, type=UNICAST)

    def unreachable_route(self, network: IPv4Network) -> None:
        """What is sent to this network and has no better route ends here."""
        with _content(errno.EEXIST):
            self.ip.route("add", dst=str(network), type=UNREACHABLE, priority=LAST)

    def routes(self) -> Iterator[tuple[str, IPv4Network]]:
        """(link, destination) of the IPv4 routes of all tables that lead somewhere, loopback and default routes left out."""
        linked = {index: name for index, name in socket.if_nameindex()}
        for message in self.ip.get_routes(family=socket.AF_INET):
            if message["type"] in (UNICAST, LOCAL_ROUTE) and message["dst_len"]:
                destination = IPv4Network((message.get("dst"), message["dst_len"]))
                if not destination.is_loopback:
                    yield linked.get(message.get("oif"), ""), destination

    def local_addresses(self) -> frozenset[str]:
        return frozenset(message.get("address") for message in self.ip.get_addr(family=socket.AF_INET))

    def default_mtu(self) -> int:
        """The MTU of the way out: that of the default route, or of its link."""
        defaults = [message for message in self.ip.get_default_routes(family=socket.AF_INET) if message.get("oif")]
        if not defaults:
            return 1500
        first = min(defaults, key=lambda message: message.get("priority") or 0)
        metrics = first.get("metrics")
        return (metrics.get("mtu") if metrics else None) or self.ip.link("get", index=first.get("oif"))[0].get("mtu") or 1500


def _asked(question: int, link: str) -> bytes:
    """The answer of an ioctl about a link: a struct ifreq."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        return fcntl.ioctl(asker, question, struct.pack("256s", link.encode()))


@contextmanager
def _content(*codes: int) -> Iterator[None]:
    """These refusals of the kernel say that things are as wanted already."""
    from pyroute2.netlink.exceptions import NetlinkError

    try:
        yield
    except NetlinkError as error:
        if error.code not in codes:
            raise
