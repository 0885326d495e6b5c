"""Requests of rtnetlink(7) as the kernel reads them: headers, attributes in attributes. Pure.

pyroute2 takes 6 ms of processor time for the seven requests of one container, 30 ms and 4 MB to be imported; these take 0.1 ms, and
several of them go to the kernel in one packet.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Interface, IPv6Network, ip_address

HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
_ATTRIBUTE = struct.Struct("=HH")  # struct nlattr
_LINK = struct.Struct("=BxHiII")  # struct ifinfomsg
_ADDRESS = struct.Struct("=BBBBI")  # struct ifaddrmsg
_ROUTE = struct.Struct("=BBBBBBBBI")  # struct rtmsg

#: Kinds of messages (linux/netlink.h, linux/rtnetlink.h).
ERROR, DONE = 2, 3
NEW_LINK, DELETE_LINK, GET_LINK, SET_LINK, NEW_ADDRESS, GET_ADDRESS, NEW_ROUTE, GET_ROUTE = 16, 17, 18, 19, 20, 22, 24, 26
REQUEST, ACKNOWLEDGE, DUMP, EXCLUSIVE, CREATE = 0x1, 0x4, 0x300, 0x200, 0x400
INET, BRIDGE, INET6, UP = 2, 7, 10, 1
MAIN, LOCAL = 254, 255  # routing tables
UNICAST, LOCAL_ROUTE, UNREACHABLE = 1, 2, 7  # route types
STATIC, ADVERTISED = 4, 9  # who made a route: an administrator, a router advertisement
LAST = 0xFEFFFFFF  # a metric that every other route goes before

#: Attributes of links (IFLA_*, VETH_INFO_*, IFLA_BR_*), addresses (IFA_*) and routes (RTA_*, RTAX_*).
MAC, NAME, MTU, MASTER, PORT_INFO, LINK_INFO, NAMESPACE = 1, 3, 4, 10, 12, 18, 28
NESTED, PORT_ISOLATED = 0x8000, 33
INFO_KIND, INFO_DATA, VETH_PEER, FORWARD_DELAY, STP_STATE = 1, 2, 1, 1, 5
ADDRESS, OWN_ADDRESS, BROADCAST = 1, 2, 4
DESTINATION, LINK, GATEWAY, PRIORITY, SOURCE, METRICS, TABLE = 1, 4, 5, 6, 7, 8, 15
METRIC_MTU = 2


@dataclass(frozen=True, slots=True)
class Request:
    """`fine`: refusals (errno) which say that things are as wanted already."""

    kind: int
    body: bytes
    flags: int = 0
    fine: tuple[int, ...] = ()


def packed(request: Request, number: int) -> bytes:
    """With its header; `number` comes back in the answers."""
    return HEADER.pack(HEADER.size + len(request.body), request.kind, request.flags | REQUEST, number, 0) + request.body


def messages(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(kind, number, body) of all messages in a packet."""
    while len(data) >= HEADER.size:
        length, kind, _, number, _ = HEADER.unpack_from(data)
        yield kind, number, data[HEADER.size : length]
        data = data[_aligned(length) :]


def attribute(kind: int, *value: bytes) -> bytes:
    content = b"".join(value)
    return (_ATTRIBUTE.pack(_ATTRIBUTE.size + len(content), kind) + content).ljust(_aligned(_ATTRIBUTE.size + len(content)), b"\0")


def attributes(data: bytes) -> dict[int, bytes]:
    """Those of one level, by kind; without the flags that say "nested" and "network byte order"."""
    found = {}
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        found[kind & 0x3FFF] = data[_ATTRIBUTE.size : length]
        data = data[max(_aligned(length), _ATTRIBUTE.size) :]
    return found


def number(value: int) -> bytes:
    return struct.pack("=I", value)


def text(value: str) -> bytes:
    return value.encode() + b"\0"


def mac(value: str) -> bytes:
    return bytes.fromhex(value.replace(":", ""))


# ---------------------------------------------------------------- links


def add_bridge(name: str, *, mac_address: str, mtu: int) -> Request:
    """Without spanning tree."""
    kind = attribute(INFO_KIND, text("bridge"))
    data = attribute(INFO_DATA, attribute(FORWARD_DELAY, number(0)), attribute(STP_STATE, number(0)))
    own = (attribute(NAME, text(name)), attribute(MAC, mac(mac_address)), attribute(MTU, number(mtu)), attribute(LINK_INFO, kind, data))
    return Request(NEW_LINK, _LINK.pack(0, 0, 0, 0, 0) + b"".join(own), ACKNOWLEDGE | CREATE | EXCLUSIVE)


@dataclass(frozen=True, slots=True)
class End:
    """Of a veth pair. `master`: the index of the bridge that it is a port of; then it is up. `namespace`: an open one, where it goes to."""

    name: str
    mac: str | None = None
    master: int = 0
    namespace: int | None = None


def add_veth(here: End, there: End, mtu: int) -> Request:
    peer = attribute(VETH_PEER, *_end(there, mtu))
    info = attribute(LINK_INFO, attribute(INFO_KIND, text("veth")), attribute(INFO_DATA, peer))
    return Request(NEW_LINK, b"".join(_end(here, mtu)) + info, ACKNOWLEDGE | CREATE | EXCLUSIVE)


def _end(end: End, mtu: int) -> Iterator[bytes]:
    yield _LINK.pack(0, 0, 0, UP if end.master else 0, UP if end.master else 0)
    yield attribute(NAME, text(end.name)) + attribute(MTU, number(mtu))
    if end.mac:
        yield attribute(MAC, mac(end.mac))
    if end.master:
        yield attribute(MASTER, number(end.master))
    if end.namespace is not None:
        yield attribute(NAMESPACE, number(end.namespace))


def link_up(index: int) -> Request:
    return Request(NEW_LINK, _LINK.pack(0, 0, index, UP, UP), ACKNOWLEDGE)


def finish_port(index: int, name: str, master: int) -> Request:
    """Give a link its name and its bridge, and switch it on."""
    return Request(NEW_LINK, _LINK.pack(0, 0, index, UP, UP) + attribute(NAME, text(name)) + attribute(MASTER, number(master)), ACKNOWLEDGE)


def isolate_port(index: int) -> Request:
    """A bridge's port that exchanges nothing with other such ports (IFLA_BRPORT_ISOLATED)."""
    info = attribute(PORT_INFO | NESTED, attribute(PORT_ISOLATED, b"\1"))
    return Request(SET_LINK, b"".join((_LINK.pack(BRIDGE, 0, index, 0, 0), info)), ACKNOWLEDGE)


def remove_link(name: str, *fine: int) -> Request:
    return Request(DELETE_LINK, _LINK.pack(0, 0, 0, 0, 0) + attribute(NAME, text(name)), ACKNOWLEDGE, fine)


# ---------------------------------------------------------------- addresses and routes


AnyInterface = IPv4Interface | IPv6Interface
AnyNetwork = IPv4Network | IPv6Network


def _family(version: int) -> int:
    return INET6 if version == 6 else INET


def add_address(index: int, address: AnyInterface, *fine: int) -> Request:
    """With the broadcast address of its network, if that has one."""
    network, own = address.network, address.ip.packed
    without = network.version == 6 or network.prefixlen > 30
    broadcast = b"" if without else attribute(BROADCAST, network.broadcast_address.packed)
    head = _ADDRESS.pack(_family(network.version), network.prefixlen, 0, 0, index)
    body = head + attribute(ADDRESS, own) + attribute(OWN_ADDRESS, own) + broadcast
    return Request(NEW_ADDRESS, body, ACKNOWLEDGE | CREATE | EXCLUSIVE, fine)


@dataclass(frozen=True, slots=True)
class Route:
    """`link` is an index; what is None is not said."""

    destination: AnyNetwork
    link: int | None = None
    gateway: str | None = None
    source: str | None = None
    priority: int | None = None
    table: int = MAIN
    kind: int = UNICAST


def add_route(route: Route, *fine: int) -> Request:
    length = route.destination.prefixlen
    family = _family(route.destination.version)
    parts = [_ROUTE.pack(family, length, 0, 0, route.table, STATIC, 0, route.kind, 0), attribute(TABLE, number(route.table))]
    if length:
        parts.append(attribute(DESTINATION, route.destination.network_address.packed))
    if route.link is not None:
        parts.append(attribute(LINK, number(route.link)))
    if route.gateway is not None:
        parts.append(attribute(GATEWAY, ip_address(route.gateway).packed))
    if route.source is not None:
        parts.append(attribute(SOURCE, IPv4Address(route.source).packed))
    if route.priority is not None:
        parts.append(attribute(PRIORITY, number(route.priority)))
    return Request(NEW_ROUTE, b"".join(parts), ACKNOWLEDGE | CREATE | EXCLUSIVE, fine)


# ---------------------------------------------------------------- looking


@dataclass(frozen=True, slots=True)
class FoundRoute:
    """One route of the kernel's; `mtu` 0 when it names none, `maker` as rtm_protocol."""

    destination: AnyNetwork
    kind: int
    link: int
    priority: int
    mtu: int
    maker: int = STATIC


def all_routes(family: int = INET) -> Request:
    """The routes of all tables, IPv4 or IPv6."""
    return Request(GET_ROUTE, _ROUTE.pack(family, 0, 0, 0, 0, 0, 0, 0, 0), DUMP)


def read_route(body: bytes) -> FoundRoute:
    family, length, _, _, _, maker, _, kind, _ = _ROUTE.unpack_from(body)
    found = attributes(body[_ROUTE.size :])
    destination: AnyNetwork = (
        IPv6Network((found.get(DESTINATION, bytes(16)), length)) if family == INET6
        else IPv4Network((found.get(DESTINATION, bytes(4)), length)))
    metrics = attributes(found.get(METRICS, b""))
    return FoundRoute(destination, kind, _number(found, LINK), _number(found, PRIORITY), _number(metrics, METRIC_MTU), maker)


def all_addresses() -> Request:
    """The IPv4 addresses of all links."""
    return Request(GET_ADDRESS, _ADDRESS.pack(INET, 0, 0, 0, 0), DUMP)


def read_address(body: bytes) -> str:
    found = attributes(body[_ADDRESS.size :])
    return str(IPv4Address(found.get(ADDRESS) or found[OWN_ADDRESS]))


def _number(found: dict[int, bytes], kind: int) -> int:
    return int(struct.unpack("=I", found[kind])[0]) if kind in found else 0


def _aligned(length: int) -> int:
    return (length + 3) & ~3
