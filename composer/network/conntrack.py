"""Connections that the kernel must forget, because the rules or addresses that they were made by have changed.

A UDP flow is tracked for as long as packets come, so a client that keeps its port would go on to where the port led before.
In the project's namespace each connection carries its container's address as mark (see firewall), so that the kernel
forgets them without showing them: a busy container has thousands.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Literal

from composer.errors import NetworkError
from composer.network.links import Links
from composer.network.rtnetlink import ACKNOWLEDGE, DUMP, Request, attribute, attributes, number

COUNT = Path("/proc/sys/net/netfilter/nf_conntrack_count")

#: The mark is the address as it lies in the packet; whether that is swapped on the way into the mark is up to nft's version.
ORDERS: tuple[Literal["little", "big"], ...] = ("little", "big")

#: This kernel has no connection tracking over netlink, or the flow has just gone by itself.
NOTHING_TO_DO = (errno.EOPNOTSUPP, errno.EPROTONOSUPPORT, errno.ENOENT)

#: linux/netfilter/nfnetlink.h, nfnetlink_conntrack.h.
NETLINK_NETFILTER = 12
GET, DELETE = 0x101, 0x102
_FAMILY = struct.Struct("=BBH")  # struct nfgenmsg
ORIGINAL, MARK, MARK_MASK, FILTER = 1, 8, 21, 25
ADDRESSES, PROTOCOL = 1, 2
SOURCE, DESTINATION = 1, 2
PROTOCOL_NUMBER, DESTINATION_PORT = 1, 3
BY_SOURCE, BY_PROTOCOL, BY_DESTINATION_PORT = 0x01, 0x08, 0x20
ORIGINAL_FLAGS, NESTED = 1, 0x8000


@dataclass(frozen=True, slots=True)
class Flow:
    """The side that began it. `tuple` is what the kernel calls it by."""

    tuple: bytes
    source: str
    destination: str
    protocol: int
    port: int  # that it goes to


def forget_marked(address: IPv4Address) -> None:
    """In the project's namespace: every connection of the container at `address`."""
    if _tracks():
        with _table() as table:
            for order in ORDERS:
                mark = struct.pack("!I", int.from_bytes(address.packed, order))
                body = _FAMILY.pack(0, 0, 0) + attribute(MARK, mark) + attribute(MARK_MASK, b"\xff" * 4)
                table.do(Request(DELETE, body, ACKNOWLEDGE, NOTHING_TO_DO))


def forget_from(address: IPv4Address) -> None:
    """In this namespace: what an address began."""
    addresses = attribute(ADDRESSES | NESTED, attribute(SOURCE, address.packed))
    _forget(addresses, BY_SOURCE, lambda flow: flow.source == str(address))


def forget_udp(port: int, to: Collection[str]) -> None:
    """In this namespace: UDP flows to a port of one of these addresses."""
    ports = (attribute(PROTOCOL_NUMBER, bytes([socket.IPPROTO_UDP])), attribute(DESTINATION_PORT, struct.pack("!H", port)))
    asked = attribute(PROTOCOL | NESTED, *ports)
    _forget(asked, BY_PROTOCOL | BY_DESTINATION_PORT, lambda flow: (flow.protocol, flow.port) == (17, port) and flow.destination in to)


def _forget(asked: bytes, by: int, unwanted: Callable[[Flow], bool]) -> None:
    """Kernels before 5.8 do not filter for us, so the flow is looked at again here."""
    if not _tracks():
        return
    filter_ = attribute(FILTER | NESTED, attribute(ORIGINAL_FLAGS, number(by)))
    body = _FAMILY.pack(socket.AF_INET, 0, 0) + attribute(ORIGINAL | NESTED, asked) + filter_
    with _table() as table:
        for flow in [read_flow(found) for found in table.look(Request(GET, body, DUMP))]:
            if unwanted(flow):
                whole = _FAMILY.pack(socket.AF_INET, 0, 0) + attribute(ORIGINAL | NESTED, flow.tuple)
                table.do(Request(DELETE, whole, ACKNOWLEDGE, NOTHING_TO_DO))


def read_flow(body: bytes) -> Flow:
    """From a message about an IPv4 connection."""
    original = attributes(body[_FAMILY.size :])[ORIGINAL]
    parts = attributes(original)
    addresses, protocol = attributes(parts[ADDRESSES]), attributes(parts[PROTOCOL])
    port = struct.unpack("!H", protocol[DESTINATION_PORT])[0] if DESTINATION_PORT in protocol else 0
    source, destination = (str(IPv4Address(addresses[end])) for end in (SOURCE, DESTINATION))
    return Flow(original, source, destination, protocol[PROTOCOL_NUMBER][0], port)


def _tracks() -> bool:
    """Whether there is any connection to forget in this namespace; a look at an empty table costs the kernel 15 ms."""
    try:
        return int(COUNT.read_text()) > 0
    except FileNotFoundError:
        return False


@contextmanager
def _table() -> Iterator[Links]:
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_NETFILTER) as asker:
            yield Links(asker)
    except OSError as error:
        if error.errno not in NOTHING_TO_DO:
            raise NetworkError(f"connection tracking: {error.strerror}") from error
