"""Forwarding from ::1 to a server on 127.0.0.1, on real sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from composer.supervisor import forward as forwarding
from composer.supervisor.forward import UdpForward, forward

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

has_ipv6 = socket.has_ipv6
if has_ipv6:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        has_ipv6 = False
pytestmark = pytest.mark.skipif(not has_ipv6, reason="the loopback has no ::1 here")


@asynccontextmanager
async def tcp(serve: Serve) -> AsyncIterator[int]:
    """A port on ::1 that leads to a server on 127.0.0.1."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    listening = socket.create_server(("::1", 0), family=socket.AF_INET6)
    port = listening.getsockname()[1]
    forwarder = await forward(listening, "127.0.0.1", server.sockets[0].getsockname()[1])
    try:
        yield port
    finally:
        await forwarder.close()
        server.close()


def test_data_goes_both_ways_whole() -> None:
    """Several megabytes each way arrive as they were sent, on several connections at once."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def talk(port: int, data: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("::1", port)

        async def send() -> None:
            writer.write(data)
            await writer.drain()
            writer.write_eof()

        _, got = await asyncio.gather(send(), reader.read(-1))
        writer.close()
        return got

    async def check() -> None:
        data = bytes(range(256)) * 16384
        async with tcp(echo) as port:
            async with asyncio.timeout(30):
                assert await asyncio.gather(*(talk(port, data) for _ in range(4))) == [data] * 4

    asyncio.run(check())


def test_a_half_close_is_passed_on() -> None:
    """A server that answers only after the client's end of input sees that end, and its answer arrives."""

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"{len(await reader.read(-1))} bytes".encode())
        writer.close()

    async def check() -> None:
        async with tcp(count) as port:
            reader, writer = await asyncio.open_connection("::1", port)
            writer.write(b"hello")
            writer.write_eof()
            async with asyncio.timeout(10):
                assert await reader.read(-1) == b"5 bytes"
            writer.close()

    asyncio.run(check())


def test_a_server_that_is_gone_ends_the_connection() -> None:
    """Nobody listens behind it: the client's connection is cut, and the next one works when somebody does."""

    async def check() -> None:
        free = socket.create_server(("127.0.0.1", 0))
        target = free.getsockname()[1]
        free.close()
        listening = socket.create_server(("::1", 0), family=socket.AF_INET6)
        port = listening.getsockname()[1]
        forwarder = await forward(listening, "127.0.0.1", target)
        try:
            reader, writer = await asyncio.open_connection("::1", port)
            async with asyncio.timeout(10):
                with pytest.raises(ConnectionResetError):
                    assert await reader.read(-1) != b""
            writer.close()

            async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                writer.write(b"hello")
                writer.close()

            async with await asyncio.start_server(greet, "127.0.0.1", target, reuse_address=True):
                reader, writer = await asyncio.open_connection("::1", port)
                async with asyncio.timeout(10):
                    assert await reader.read(-1) == b"hello"
                writer.close()
        finally:
            await forwarder.close()

    asyncio.run(check())


def test_a_client_that_is_cut_off_is_cut_off_behind_too() -> None:
    """The server does not keep a connection whose client has reset it."""
    ended: list[bool] = []

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            ended.append(await reader.read(-1) == b"")
        except OSError:
            ended.append(True)
        writer.close()

    async def check() -> None:
        async with tcp(wait) as port:
            _, writer = await asyncio.open_connection("::1", port)
            writer.write(b"")
            await asyncio.sleep(0)
            writer.transport.abort()
            async with asyncio.timeout(10):
                while not ended:
                    await asyncio.sleep(0.01)

    asyncio.run(check())
    assert ended == [True]


def test_too_many_connections_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit a connection is ended at once; the others go on."""
    monkeypatch.setattr(forwarding, "MOST_CONNECTIONS", 1)

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    async def check() -> None:
        async with tcp(echo) as port, asyncio.timeout(10):
            reader, writer = await asyncio.open_connection("::1", port)
            writer.write(b"first")
            assert await reader.readexactly(5) == b"first"
            second, second_writer = await asyncio.open_connection("::1", port)
            with pytest.raises(ConnectionResetError):
                assert await second.read(-1) != b""
            second_writer.close()
            writer.write(b"again")
            assert await reader.readexactly(5) == b"again"
            writer.close()

    asyncio.run(check())


class Echo:
    """A UDP server on 127.0.0.1 that answers with the asker's port in front."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.seen: list[int] = []
        asyncio.get_running_loop().add_reader(self.socket, self._answer)

    def _answer(self) -> None:
        data, client = self.socket.recvfrom(65535)
        self.seen.append(client[1])
        self.socket.sendto(data.upper(), client)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.socket)
        self.socket.close()


@asynccontextmanager
async def udp(silence: float = 60.0) -> AsyncIterator[tuple[UdpForward, Echo, int]]:
    echo = Echo()
    bound = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    bound.bind(("::", 0))
    port = bound.getsockname()[1]
    forwarder = UdpForward(bound, "127.0.0.1", echo.port, silence=silence)
    try:
        yield forwarder, echo, port
    finally:
        await forwarder.close()
        echo.close()


async def ask(client: socket.socket, data: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(client, data)
    async with asyncio.timeout(10):
        return await loop.sock_recv(client, 65535)


def connected(port: int) -> socket.socket:
    """A connected client takes answers only from the address that it asked."""
    client = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    client.connect(("::1", port))
    return client


def test_each_udp_client_gets_its_own_answers() -> None:
    """Two clients are two sockets towards the server; a client keeps its own from packet to packet."""

    async def check() -> None:
        async with udp() as (forwarder, echo, port):
            with connected(port) as one, connected(port) as two:
                assert [await ask(one, b"a"), await ask(two, b"b"), await ask(one, b"c")] == [b"A", b"B", b"C"]
            assert len(forwarder) == 2
            assert echo.seen[0] == echo.seen[2] != echo.seen[1]

    asyncio.run(check())


def test_silent_udp_clients_are_forgotten() -> None:
    """After the idle time the session is gone; a later packet makes a new one."""

    async def check() -> None:
        async with udp(silence=0.05) as (forwarder, _, port):
            with connected(port) as client:
                assert await ask(client, b"a") == b"A"
                async with asyncio.timeout(10):
                    while len(forwarder):
                        await asyncio.sleep(0.01)
                assert await ask(client, b"b") == b"B"

    asyncio.run(check())


def test_of_too_many_udp_clients_the_most_silent_one_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table is bounded, and the busy ones stay."""
    monkeypatch.setattr(forwarding, "MOST_SESSIONS", 2)

    async def check() -> None:
        async with udp() as (forwarder, echo, port):
            with connected(port) as one, connected(port) as two, connected(port) as three:
                for client in (one, two, one, three, one):
                    await ask(client, b"x")
            assert len(forwarder) == 2
            assert echo.seen[0] == echo.seen[2] == echo.seen[4]

    asyncio.run(check())


def test_a_udp_server_that_is_gone_is_no_error() -> None:
    """An ICMP refusal from behind is swallowed; the forwarder goes on with the others."""

    async def check() -> None:
        async with udp() as (forwarder, echo, port):
            echo.close()
            with connected(port) as client:
                loop = asyncio.get_running_loop()
                for _ in range(3):
                    await loop.sock_sendall(client, b"x")
                    await asyncio.sleep(0)
                async with asyncio.timeout(10):
                    while len(forwarder) != 1:
                        await asyncio.sleep(0.01)
            echo.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
            echo.socket.bind(("127.0.0.1", echo.port))
            loop.add_reader(echo.socket, echo._answer)
            with connected(port) as client:
                assert await ask(client, b"y") == b"Y"

    asyncio.run(check())
