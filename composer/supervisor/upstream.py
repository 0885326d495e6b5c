"""The host's own resolvers: which they are, and asking them. A question and its answer pass as they are: EDNS, DNSSEC, truncation.

Sockets are made in the process's own network namespace, the host's, so a stub resolver on the host's loopback works.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from composer.errors import HostError
from composer.supervisor import wire
from composer.supervisor.wire import Question

#: Seconds for one server to answer, and how many of them are asked (resolv.conf(5), MAXNS).
PATIENCE = 2.0
MOST_SERVERS = 3
LENGTH = struct.Struct("!H")


@dataclass(frozen=True, slots=True)
class Server:
    """One `nameserver`; `target` is what connect(2) takes, with the scope of a link-local address."""

    family: int
    target: tuple[str, int] | tuple[str, int, int, int]
    open_socket: Callable[[int, int], socket.socket] = socket.socket  # family, kind


Way = Callable[[Server, Question], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Inside:
    """The way to servers that are containers of the project: the host has no route there."""

    holds: Callable[[str], bool]  # whether an address is such a one's
    open_socket: Callable[[int, int], socket.socket]


class Upstream:
    """What resolv.conf(5) names, read again whenever the file is another one."""

    def __init__(self, path: Path = Path("/etc/resolv.conf"), *, port: int = 53, patience: float = PATIENCE,
                 inside: Inside | None = None) -> None:
        self._path, self._port, self._patience, self._inside = path, port, patience, inside
        self._seen: tuple[int, ...] = ()
        self._servers: tuple[Server, ...] = ()

    async def ask(self, question: Question, way: Way, servers: Sequence[str] = ()) -> bytes:
        """The packet of the first server that knows, else the last one's excuse, else our SERVFAIL. `servers`: addresses to ask
        in the place of the file's."""
        excuse = b""
        for server in [self._own(address) for address in servers] or self.servers():
            try:
                async with asyncio.timeout(self._patience):
                    response = await way(server, question)
            except (OSError, EOFError, TimeoutError, HostError):
                continue
            if not wire.is_excuse(response):
                return response
            excuse = response
        return excuse or wire.refuse(question.packet, wire.SERVFAIL)

    def servers(self) -> tuple[Server, ...]:
        """In the order of the file; the loopback address when it names none."""
        with suppress(OSError):
            status = self._path.stat()
            seen = (status.st_mtime_ns, status.st_ino, status.st_size)
            if seen != self._seen:
                self._servers, self._seen = self._read(), seen
        return self._servers or (self._server("127.0.0.1"),)

    def _own(self, address: str) -> Server:
        server = self._server(address)
        return replace(server, open_socket=self._inside.open_socket) if self._inside and self._inside.holds(address) else server

    def _read(self) -> tuple[Server, ...]:
        servers = []
        for line in self._path.read_text(errors="replace").splitlines():
            words = line.split()
            if len(words) > 1 and words[0] == "nameserver":
                with suppress(OSError):
                    servers.append(self._server(words[1]))
        return tuple(servers[:MOST_SERVERS])

    def _server(self, address: str) -> Server:
        """Numeric only: this asks nobody."""
        family, _, _, _, target = socket.getaddrinfo(address, self._port, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST)[0]
        return Server(family, target)  # type: ignore[arg-type]  # the other form is of a Python without IPv6


async def by_udp(server: Server, question: Question) -> bytes:
    """Ask from a port of its own under a number of its own, so that a stranger would have to guess both (RFC 5452)."""
    loop = asyncio.get_running_loop()
    number, packet = os.urandom(2), question.packet
    with server.open_socket(server.family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as ours:
        ours.connect(server.target)
        await loop.sock_sendall(ours, number + packet[2:])
        while True:
            response = await loop.sock_recv(ours, 0xFFFF)
            if response[:2] == number and wire.answers(response, question):
                return packet[:2] + response[2:]


async def by_tcp(server: Server, question: Question) -> bytes:
    """One connection a question; EOFError for an answer to something else."""
    loop = asyncio.get_running_loop()
    with server.open_socket(server.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as ours:
        await loop.sock_connect(ours, server.target)
        await loop.sock_sendall(ours, LENGTH.pack(len(question.packet)) + question.packet)
        (length,) = LENGTH.unpack(await _exactly(ours, LENGTH.size))
        response = await _exactly(ours, length)
    if response[:2] != question.packet[:2] or not wire.answers(response, question):
        raise EOFError
    return response


async def _exactly(ours: socket.socket, size: int) -> bytes:
    loop = asyncio.get_running_loop()
    got = b""
    while len(got) < size:
        part = await loop.sock_recv(ours, size - len(got))
        if not part:
            raise EOFError
        got += part
    return got
