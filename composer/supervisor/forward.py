"""Forwarding in user space, for the one address that packets cannot be led away from: `::1`.

TCP: a connection to the project for each connection to us, a half-close passed on as one. UDP: a socket to the project for each
client, until it has been silent for a while; the answer leaves from the address that the client wrote to.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

CHUNK = 1 << 16
MOST_CONNECTIONS = 1024
MOST_SESSIONS = 1024
#: Seconds without a packet after which a UDP client is forgotten (as conntrack has it for two-way traffic).
SILENCE = 120.0
PATIENCE = 10.0

_PKTINFO = struct.Struct("16sI")
_RESET = struct.pack("ii", 1, 0)  # struct linger of 0 seconds (socket(7))


class Forward(Protocol):
    """Something that forwards until it is closed."""

    async def close(self) -> None: ...


async def forward(bound: socket.socket, address: str, port: int) -> Forward:
    """Forward what arrives at a socket, TCP or UDP, to an IPv4 address. `close` closes the socket and all that is open."""
    if bound.type == socket.SOCK_DGRAM:
        return UdpForward(bound, address, port)
    tcp = TcpForward(address, port)
    await tcp.start(bound)
    return tcp


class TcpForward:
    """Forwards connections of a listening socket."""

    def __init__(self, address: str, port: int) -> None:
        self._target = (address, port)
        self._open: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, listening: socket.socket) -> None:
        self._server = await asyncio.start_server(self._connection, sock=listening)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        unfinished = list(self._open)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._open) >= MOST_CONNECTIONS:
            _cut(writer)
            return
        self._open.add(task)
        try:
            await self._join(reader, writer)
        except (OSError, TimeoutError, asyncio.CancelledError):
            _cut(writer)
        finally:
            self._open.discard(task)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(PATIENCE):
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_pump(reader, far_writer))
                both.create_task(_pump(far_reader, writer))
            await _flushed(writer)
            await _flushed(far_writer)
        except* OSError as broken:
            raise OSError("one end is gone") from broken
        finally:
            far_writer.transport.abort()


def _cut(writer: asyncio.StreamWriter) -> None:
    """End a connection that did not end well by a reset: a plain close would say that it did."""
    with suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def _flushed(writer: asyncio.StreamWriter) -> None:
    """Closing sends what is buffered first; waited for, because an abort would drop it."""
    writer.close()
    await writer.wait_closed()


@dataclass(slots=True)
class _Session:
    ours: socket.socket
    used_at: float


_Ancillary = list[tuple[int, int, bytes]]
_Key = tuple[tuple[str, int, int, int], bytes]


class UdpForward:
    """Forwards datagrams of a bound IPv6 socket to an IPv4 address."""

    def __init__(self, bound: socket.socket, address: str, port: int, *, silence: float = SILENCE) -> None:
        self._bound, self._target, self._silence = bound, (address, port), silence
        self._sessions: dict[_Key, _Session] = {}
        self._loop = asyncio.get_running_loop()
        self._sweep: asyncio.TimerHandle | None = None
        bound.setblocking(False)
        bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        self._loop.add_reader(bound, self._outward)

    def __len__(self) -> int:
        """How many clients are remembered."""
        return len(self._sessions)

    async def close(self) -> None:
        self._loop.remove_reader(self._bound)
        for key in list(self._sessions):
            self._forget(key)
        if self._sweep is not None:
            self._sweep.cancel()
        self._bound.close()

    def _outward(self) -> None:
        """A packet of a client."""
        with suppress(OSError):
            data, ancillary, _, client = self._bound.recvmsg(0xFFFF, socket.CMSG_SPACE(_PKTINFO.size))
            session = self._session((client, _asked_address(ancillary)))
            session.ours.send(data)

    def _session(self, key: _Key) -> _Session:
        """The client's session, made when it is new; of too many the one that was silent longest has to go."""
        session = self._sessions.pop(key, None) or self._begin(key)
        session.used_at = self._loop.time()
        self._sessions[key] = session
        return session

    def _begin(self, key: _Key) -> _Session:
        if len(self._sessions) >= MOST_SESSIONS:
            self._forget(next(iter(self._sessions)))
        ours = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            ours.connect(self._target)
        except OSError:
            ours.close()
            raise
        self._loop.add_reader(ours, self._inward, key, ours)
        if self._sweep is None:
            self._sweep = self._loop.call_later(self._silence, self._forget_silent)
        return _Session(ours, self._loop.time())

    def _inward(self, key: _Key, ours: socket.socket) -> None:
        """An answer of the project; sent from the address that was asked, else the client would not take it."""
        with suppress(OSError):
            data = ours.recv(0xFFFF)
            client, asked = key
            ancillary: _Ancillary = [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, asked)] if asked else []
            self._bound.sendmsg([data], ancillary, 0, client)

    def _forget_silent(self) -> None:
        oldest = self._loop.time() - self._silence
        for key in [key for key, session in self._sessions.items() if session.used_at <= oldest]:
            self._forget(key)
        self._sweep = self._loop.call_later(self._silence, self._forget_silent) if self._sessions else None

    def _forget(self, key: _Key) -> None:
        session = self._sessions.pop(key)
        self._loop.remove_reader(session.ours)
        session.ours.close()


def _asked_address(ancillary: _Ancillary) -> bytes:
    """The in6_pktinfo of a received packet (ipv6(7))."""
    return next((data for level, kind, data in ancillary if (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO)), b"")
