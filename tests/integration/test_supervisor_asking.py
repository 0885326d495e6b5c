"""Probes over the network, on servers of the test's own on loopback addresses."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from composer.model.ready import Http, Ready, Tcp
from composer.observed import Container, Endpoint, Process
from composer.store import Places
from composer.supervisor.asking import Asker
from composer.supervisor.health import Check, ProbeResult
from tests.fakes import FakeHost

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
ALONE = Container("id", "shop-web-1", "web", 1)


def says(text: str) -> Answer:
    """A server that reads a request's head and answers with these lines."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(text.encode())
        await writer.drain()

    heard.clear()
    return answer


heard: list[str] = []


def ask(tmp_path: Path, ready: Callable[[int], Ready], answer: Answer, *, host: str = "127.0.0.1", container: Container = ALONE,
        context: ssl.SSLContext | None = None, timeout: float = 5.0) -> ProbeResult:
    """The result of one probe of a server; `ready` is told its port."""

    async def play() -> ProbeResult:
        fake, talks = FakeHost(Places(tmp_path, tmp_path).project("abc")), set[asyncio.Task[None]]()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            talks.add(asyncio.current_task())  # type: ignore[arg-type]
            with suppress(asyncio.IncompleteReadError, OSError):
                await answer(reader, writer)
            writer.close()

        server = await asyncio.start_server(talk, host, 0, ssl=context)
        asker = Asker(fake.host, container, Process(os.getpid(), 0, ""))
        async with server:
            result = await asker.ask(Check((), timeout=timeout, ready=ready(server.sockets[0].getsockname()[1])))
            for _turn in range(20):  # of the loop: for a connection that was made and dropped
                await asyncio.sleep(0)
            if talks:
                await asyncio.wait(talks, timeout=1)
        return result

    return asyncio.run(play())


@pytest.mark.parametrize(("status", "question", "code"), [
    ("200 OK", {}, 0), ("204 No Content", {}, 0), ("302 Found", {}, 0), ("399 Odd", {}, 0), ("404 Not Found", {}, 1), ("503 Busy", {}, 1),
    ("503 Busy", {"status": 503, "status_last": 503}, 0), ("200 OK", {"status": 204, "status_last": 204}, 1),
])
def test_the_status_decides(tmp_path: Path, status: str, question: dict[str, int], code: int) -> None:
    """200 to 399, or what was asked for; the answer's first line is what is told of a failure."""
    result = ask(tmp_path, lambda port: Ready(http=Http(port=port, path="/health?a=b", **question)), says(f"HTTP/1.1 {status}\r\n\r\n"))
    assert result.code == code, result.output
    assert status.split()[0] in result.output
    assert heard[0].startswith("GET /health?a=b HTTP/1.1\r\nHost: localhost:")


def test_headers_are_sent(tmp_path: Path) -> None:
    """Those of the file, which win over composer's own."""
    headers = {"Host": "shop.example", "Authorization": "Bearer abc"}
    assert ask(tmp_path, lambda port: Ready(http=Http(port=port, headers=headers)), says("HTTP/1.0 200 OK\r\n\r\n")).code == 0
    assert "Host: shop.example\r\n" in heard[0]
    assert "Authorization: Bearer abc\r\n" in heard[0]
    assert heard[0].count("Host:") == 1


@pytest.mark.parametrize(("text", "what"), [
    ("SSH-2.0-OpenSSH_9.2\r\n", "the answer is no HTTP: 'SSH-2.0-OpenSSH_9.2"), ("", "no answer"), ("x" * 100_000, "no answer"),
    (f"HTTP/1.1 {'9' * 5000}\r\n", "the answer is no HTTP"),
])
def test_what_is_no_http(tmp_path: Path, text: str, what: str) -> None:
    """Something else that answers, or hangs up, is not ready; the words say why."""
    result = ask(tmp_path, lambda port: Ready(http=Http(port=port)), says(text))
    assert (result.code, what in result.output) == (1, True), result.output


def test_a_server_that_does_not_answer_is_given_up(tmp_path: Path) -> None:
    """At the timeout, in Docker's words."""

    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    result = ask(tmp_path, lambda port: Ready(http=Http(port=port)), silent, timeout=0.1)
    assert (result.code, result.output) == (-1, "Health check exceeded timeout (100ms)")


def test_https_takes_any_certificate(tmp_path: Path) -> None:
    """Whoever asks is the machine itself: what counts is that somebody answers."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=elsewhere.example",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    secure = ask(tmp_path, lambda port: Ready(http=Http(port=port, scheme="https")), says("HTTP/1.1 200 OK\r\n\r\n"), context=context)
    assert secure.code == 0, secure.output
    plain = ask(tmp_path, lambda port: Ready(http=Http(port=port, scheme="https")), says("HTTP/1.1 200 OK\r\n\r\n"), timeout=1)
    assert plain.code != 0


def test_localhost_is_both_loopback_addresses(tmp_path: Path) -> None:
    """A server on ::1 alone is found; an address is asked alone."""
    server = says("HTTP/1.1 200 OK\r\n\r\n")
    assert ask(tmp_path, lambda port: Ready(tcp=Tcp(port=port, host="localhost")), server, host="::1").code == 0
    assert ask(tmp_path, lambda port: Ready(tcp=Tcp(port=port)), server, host="::1").code == 0, "without a network of its own: localhost"
    refused = ask(tmp_path, lambda port: Ready(tcp=Tcp(port=port, host="127.0.0.1")), server, host="::1")
    assert refused.code == 1
    assert refused.output.endswith("Connection refused")


def test_without_a_host_its_own_address_is_asked(tmp_path: Path) -> None:
    """The one of the default route, by which others reach it."""
    ends = (Endpoint("back", "eth1", "p", "127.0.0.9/8", "", ""), Endpoint("front", "eth0", "p", "127.0.0.7/8", "", "", default_route=True))
    container = Container("id", "shop-web-1", "web", 1, endpoints=ends)
    result = ask(tmp_path, lambda port: Ready(tcp=Tcp(port=port)), says(""), host="127.0.0.7", container=container)
    assert (result.code, result.output.startswith("127.0.0.7:")) == (0, True), result.output


def test_every_kind_of_unix_socket(tmp_path: Path) -> None:
    """Stream, datagram and sequenced packets; a file that is no socket, and one that nobody listens at, are not ready."""

    async def probe(path: Path) -> ProbeResult:
        fake = FakeHost(Places(tmp_path, tmp_path).project("abc"))
        return await Asker(fake.host, ALONE, Process(os.getpid(), 0, "")).ask(Check((), ready=Ready(unix=str(path))))

    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
        path = tmp_path / f"socket-{kind}"
        with socket.socket(socket.AF_UNIX, kind) as server:
            server.bind(str(path))
            if kind != socket.SOCK_DGRAM:
                assert "Connection refused" in asyncio.run(probe(path)).output
                server.listen()
            assert asyncio.run(probe(path)).code == 0
        assert "Connection refused" in asyncio.run(probe(path)).output
    (tmp_path / "file").touch()
    assert asyncio.run(probe(tmp_path / "file")).code == 1
    assert asyncio.run(probe(tmp_path / "nothing")).output.endswith("is not there")


def test_a_path_that_takes_long_to_look_up_leaves_no_descriptor(tmp_path: Path) -> None:
    """The probe ends at its timeout; what is found later is closed."""
    slow = threading.Event()
    opened: list[int] = []

    def open_inside(_process: Process, _path: str) -> int:
        slow.wait(10)
        opened.append(os.open(tmp_path, os.O_PATH))
        return opened[0]

    async def probe() -> ProbeResult:
        fake = FakeHost(Places(tmp_path, tmp_path).project("abc"))
        fake.host.storage.open_inside = open_inside  # type: ignore[method-assign]
        result = await Asker(fake.host, ALONE, Process(os.getpid(), 0, "")).ask(Check((), timeout=0.01, ready=Ready(file="/x")))
        slow.set()
        return result  # asyncio.run waits for the thread

    assert "exceeded timeout" in asyncio.run(probe()).output
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(opened[0])


def test_a_log_that_cannot_be_followed_is_told(tmp_path: Path) -> None:
    """The kernel's limit is the reason, not a line that is missing."""
    fake = FakeHost(Places(tmp_path, tmp_path).project("abc"))
    result = asyncio.run(Asker(fake.host, ALONE, Process(os.getpid(), 0, "")).ask(Check((), ready=Ready(log="ready"))))
    assert (result.code, "max_user_instances" in result.output) == (1, True), result.output
