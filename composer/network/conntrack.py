"""Connections that the kernel must forget, because the rules or addresses that they were made by have changed.

A UDP flow is tracked for as long as packets come, so a client that keeps its port would go on to where the port led before.
In the project's namespace each connection carries its container's address as mark (see firewall), so that the kernel
forgets them without showing them: a busy container has thousands.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from composer.errors import NetworkError
from composer.network import library

if TYPE_CHECKING:
    from pyroute2 import NFCTSocket

COUNT = Path("/proc/sys/net/netfilter/nf_conntrack_count")

#: The mark is the address as it lies in the packet; whether that is swapped on the way into the mark is up to nft's version.
ORDERS: tuple[Literal["little", "big"], ...] = ("little", "big")

#: This kernel has no connection tracking over netlink, or the flow has just gone by itself.
NOTHING_TO_DO = (errno.EOPNOTSUPP, errno.EPROTONOSUPPORT, errno.ENOENT)


def forget_marked(address: IPv4Address) -> None:
    """In the project's namespace: every connection of the container at `address`."""
    if _tracks():
        with _table() as table:
            for order in ORDERS:
                table.flush(mark=int.from_bytes(address.packed, order), mark_mask=0xFFFFFFFF)


def forget_from(address: IPv4Address) -> None:
    """In this namespace: what an address began."""
    _forget(lambda _destination: True, saddr=str(address))


def forget_udp(port: int, to: Collection[str]) -> None:
    """In this namespace: UDP flows to a port of one of these addresses."""
    _forget(lambda destination: destination in to, proto=socket.IPPROTO_UDP, dport=port)


def _forget(unwanted: Callable[[str], bool], **asked: str | int) -> None:
    """Kernels before 5.8 do not filter for us, so the flow is looked at again here."""
    from pyroute2.netlink.nfnetlink.nfctsocket import NFCTAttrTuple

    if not _tracks():
        return
    with _table() as table:
        wanted = NFCTAttrTuple(**asked)
        for message in list(table.dump(tuple_orig=wanted)):
            flow = NFCTAttrTuple.from_netlink(socket.AF_INET, message.get_attr("CTA_TUPLE_ORIG"))
            if wanted == flow and unwanted(flow.daddr):
                _delete(table, flow)


def _delete(table: NFCTSocket, flow: object) -> None:
    with _content():
        table.entry("del", tuple_orig=flow)


def _tracks() -> bool:
    """Whether there is any connection to forget in this namespace; a look at an empty table costs the kernel 15 ms."""
    try:
        return int(COUNT.read_text()) > 0
    except FileNotFoundError:
        return False


@contextmanager
def _table() -> Iterator[NFCTSocket]:
    conntrack_socket = library.conntrack()
    with _content(), conntrack_socket() as table:
        yield table


@contextmanager
def _content() -> Iterator[None]:
    from pyroute2.netlink.exceptions import NetlinkError

    try:
        yield
    except NetlinkError as error:
        if error.code not in NOTHING_TO_DO:
            raise NetworkError(f"connection tracking: {error}") from error
