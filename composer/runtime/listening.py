"""Who listens in a network namespace, by sock_diag(7): the kernel looks through the listeners alone. /proc/net/tcp walks the table of all
connections of the machine for every reading, which takes milliseconds where there is much memory."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from concurrent.futures import Future
from ipaddress import IPv4Address, IPv6Address
from threading import Thread

from composer.runtime import kernel, sight

#: linux/sock_diag.h, linux/inet_diag.h, linux/netlink.h.
NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, TCP_LISTEN = 4, 20, 10
REQUEST_DUMP = 0x301
ERROR, DONE = 2, 3
_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
_REQUEST = struct.Struct("=BBBxI48x")  # struct inet_diag_req_v2
_PORT, _ADDRESS = 4, 8  # where struct inet_diag_msg has them


def listeners(pid: int) -> frozenset[int]:
    """TCP ports in LISTEN on an address that others can reach, in the network namespace of the process; none when it is gone."""
    outcome: Future[frozenset[int]] = Future()

    def body() -> None:
        try:
            outcome.set_result(_within(pid))
        except BaseException as error:
            outcome.set_exception(error)

    # Never a pool's thread: it stays in the namespace that it has entered.
    thread = Thread(target=body, name="listeners")
    thread.start()
    thread.join()
    try:
        return outcome.result()
    except (FileNotFoundError, ProcessLookupError):
        return frozenset()
    except OSError:  # a kernel without INET_DIAG
        return sight.listeners(pid)


def _within(pid: int) -> frozenset[int]:
    namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        kernel.enter_network(namespace)
    finally:
        os.close(namespace)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_SOCK_DIAG) as asker:
        return frozenset(port for family in (socket.AF_INET, socket.AF_INET6) for port in _ask(asker, family))


def _ask(asker: socket.socket, family: int) -> Iterator[int]:
    body = _REQUEST.pack(family, socket.IPPROTO_TCP, 0, 1 << TCP_LISTEN)
    asker.send(_HEADER.pack(_HEADER.size + len(body), SOCK_DIAG_BY_FAMILY, REQUEST_DUMP, 0, 0) + body)
    while True:
        for kind, message in _messages(asker.recv(1 << 16)):
            if kind == DONE:
                return
            if kind == ERROR:
                raise OSError(-struct.unpack_from("=i", message)[0], "sock_diag")
            if not _is_loopback(message[_ADDRESS : _ADDRESS + 16], family):
                yield struct.unpack_from("!H", message, _PORT)[0]


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    while data:
        length, kind, *_ = _HEADER.unpack_from(data)
        yield kind, data[_HEADER.size : length]
        data = data[(length + 3) & ~3 :]


def _is_loopback(address: bytes, family: int) -> bool:
    if family == socket.AF_INET:
        return IPv4Address(address[:4]).is_loopback
    six = IPv6Address(address)
    return six.is_loopback or (six.ipv4_mapped is not None and six.ipv4_mapped.is_loopback)
