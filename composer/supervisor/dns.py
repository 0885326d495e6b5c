"""The resolver of a project: answers from the zone, asks the host's own resolvers for the rest.

Its sockets listen in the project's namespace and belong to the guard, so questions wait while a supervisor is replaced. Whatever a
packet holds, it is answered or dropped; nothing ends the resolver.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from composer.supervisor import wire
from composer.supervisor.upstream import LENGTH, Upstream, by_tcp, by_udp
from composer.supervisor.wire import Question, Refusal
from composer.supervisor.zone import Zone

log = logging.getLogger(__name__)

#: Questions that wait for the outside, and TCP clients, at one time.
MOST_WAITING = 1024
MOST_CONNECTIONS = 128
#: A TCP client may be silent this long between two questions, seconds (RFC 7766, section 6.2.3).
IDLE = 10.0

#: Bytes of questions that may wait in the kernel (as far as net.core.rmem_max allows): for bursts, and while nobody serves.
QUEUE = 1 << 20

Client = tuple[str, int]


class Resolver:
    """Serves a zone on a UDP and a TCP socket, inside the running event loop."""

    def __init__(self, zone: Zone, upstream: Upstream) -> None:
        self._zone, self._upstream = zone, upstream
        self._waiting: set[asyncio.Task[None]] = set()
        self._talking: set[asyncio.Task[None]] = set()
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None

    async def start(self, udp: socket.socket, tcp: socket.socket) -> None:
        """Serve on bound sockets (`Network.resolver_sockets`), which `close` closes."""
        loop = asyncio.get_running_loop()
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, QUEUE)
        self._udp, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self._datagram), sock=udp)
        self._tcp = await asyncio.start_server(self._conversation, sock=tcp)

    async def close(self) -> None:
        """Stop serving. Questions that wait for the outside are dropped; their clients ask again."""
        if self._udp is not None and self._tcp is not None:
            self._udp.close()
            self._tcp.close()
        unfinished = [*self._waiting, *self._talking]
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)

    def _answer(self, packet: bytes, client: str, *, udp: bool) -> bytes | Question:
        """Our own answer, or the question to pass on."""
        try:
            question = wire.question(packet)
            answer = self._zone.answer(client, question.name, question.kind) if question.kind else None
            if answer is not None:
                return wire.reply(question, answer, udp=udp)
        except Refusal as refusal:
            return wire.refuse(packet, refusal.code)
        except Exception:
            log.exception("cannot answer a question of %s", client)
            return wire.refuse(packet, wire.SERVFAIL)
        return question if self._zone.may_forward(client) else wire.refuse(packet, wire.SERVFAIL)

    def _datagram(self, packet: bytes, client: Client) -> None:
        if not wire.is_query(packet):
            return
        answer = self._answer(packet, client[0], udp=True)
        if isinstance(answer, bytes):
            self._send(answer, client)
        elif len(self._waiting) >= MOST_WAITING:
            self._send(wire.refuse(packet, wire.SERVFAIL), client)
        else:
            self._begin(self._relay(answer, client))

    async def _relay(self, question: Question, client: Client) -> None:
        self._send(await self._upstream.ask(question, by_udp, self._zone.servers_of(client[0])), client)

    def _send(self, packet: bytes, client: Client) -> None:
        if self._udp is not None and not self._udp.is_closing():
            self._udp.sendto(packet, client)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _conversation(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One TCP client: question after question, until it is silent, gone, or says nonsense."""
        task = asyncio.current_task()
        if task is None or len(self._talking) >= MOST_CONNECTIONS:
            writer.transport.abort()
            return
        self._talking.add(task)
        try:
            with suppress(OSError, EOFError, TimeoutError, asyncio.CancelledError):
                while await self._turn(reader, writer):
                    pass
        finally:
            self._talking.discard(task)
            writer.close()

    async def _turn(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        async with asyncio.timeout(IDLE):
            (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
            packet = await reader.readexactly(length)
        if not wire.is_query(packet):
            return False
        client = writer.get_extra_info("peername")[0]
        answer = self._answer(packet, client, udp=False)
        if isinstance(answer, Question):
            answer = await self._upstream.ask(answer, by_tcp, self._zone.servers_of(client))
        writer.write(LENGTH.pack(len(answer)) + answer)
        async with asyncio.timeout(IDLE):
            await writer.drain()
        return True


class _Datagrams(asyncio.DatagramProtocol):
    """Hands on each packet. An ICMP error about an answer of ours is the client's business."""

    def __init__(self, received: Callable[[bytes, Client], None]) -> None:
        self._received = received

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self._received(data, addr)
