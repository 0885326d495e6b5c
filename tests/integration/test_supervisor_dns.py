"""The resolver on real sockets of the loopback, with servers behind it that answer as they are told."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from dnslib import QTYPE, RCODE, RR, A, DNSRecord
from dnslib.dns import EDNS0

from composer.observed import Container, Endpoint, NetworkState
from composer.supervisor.dns import Resolver
from composer.supervisor.upstream import Upstream
from composer.supervisor.zone import Zone

INTERNAL = "127.0.9."  # clients there are on an internal network only
Handler = Callable[[DNSRecord], bytes | None]


def zone() -> Zone:
    """Clients on 127.0.0.0/24 find `web`, with two replicas; those on 127.0.9.0/24 are internal."""
    front, back = (
        NetworkState(key=key, name=f"shop_{key}", bridge="", mac="", subnet=subnet, gateway="", internal=key == "back", fingerprint="")
        for key, subnet in (("front", "127.0.0.0/24"), ("back", f"{INTERNAL}0/24"))
    )
    made = Zone("10.200.0.1")
    for number in (1, 2):
        ends = tuple(Endpoint(network=key, interface="eth0", peer="", address=address, gateway="", mac="")
                     for key, address in (("front", f"10.9.0.{number}/24"), ("back", f"10.9.1.{number}/24")))
        made.add(Container(id=f"{number}" * 64, name=f"shop-web-{number}", service="web", number=number, endpoints=ends),
                 {"front": front, "back": back})
    return made


def sockets(address: str = "127.0.0.1", port: int = 0) -> tuple[socket.socket, socket.socket]:
    """UDP and listening TCP on one port."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((address, port))
    tcp = socket.create_server((address, udp.getsockname()[1]))
    return udp, tcp


class Server:
    """A name server of the host: hands what it is asked to `handler`, which answers or is silent."""

    def __init__(self, address: str, port: int, handler: Handler) -> None:
        self.udp, self.tcp = sockets(address, port)
        self.port = self.udp.getsockname()[1]
        self.handler = handler
        self.asked: list[DNSRecord] = []

    def _answer(self, packet: bytes) -> bytes | None:
        self.asked.append(DNSRecord.parse(packet))
        return self.handler(self.asked[-1])

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self.udp.setblocking(False)
        loop.add_reader(self.udp, self._datagram)
        self.server = await asyncio.start_server(self._connection, sock=self.tcp)

    def _datagram(self) -> None:
        packet, client = self.udp.recvfrom(4096)
        if answer := self._answer(packet):
            self.udp.sendto(answer, client)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        if answer := self._answer(await reader.readexactly(length)):
            writer.write(struct.pack("!H", len(answer)) + answer)
        writer.close()

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.udp)
        self.udp.close()
        self.server.close()


def address(text: str) -> Handler:
    """Answers every question with one address."""
    return lambda record: bytes(_with(record.reply(aa=0), text).pack())


def _with(record: DNSRecord, text: str) -> DNSRecord:
    record.add_answer(RR(record.q.qname, QTYPE.A, rdata=A(text), ttl=60))
    return record


def code(name: str) -> Handler:
    def answer(record: DNSRecord) -> bytes:
        reply = record.reply()
        reply.header.rcode = getattr(RCODE, name)
        return bytes(reply.pack())

    return answer


class Asker:
    """A container's side."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def udp(self, packet: bytes, *, source: str = "127.0.0.1", patience: float = 5) -> DNSRecord:
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as ours:
            ours.bind((source, 0))
            ours.connect(("127.0.0.1", self.port))
            await loop.sock_sendall(ours, packet)
            async with asyncio.timeout(patience):
                return DNSRecord.parse(await loop.sock_recv(ours, 65535))

    async def tcp(self, *packets: bytes) -> list[DNSRecord]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for packet in packets:
                writer.write(struct.pack("!H", len(packet)) + packet)
            got = []
            async with asyncio.timeout(5):
                for _ in packets:
                    (length,) = struct.unpack("!H", await reader.readexactly(2))
                    got.append(DNSRecord.parse(await reader.readexactly(length)))
            return got
        finally:
            writer.close()


def query(name: str, kind: str = "A") -> bytes:
    return bytes(DNSRecord.question(name, kind).pack())


def found(record: DNSRecord) -> list[str]:
    return [str(entry.rdata) for entry in record.rr]


@asynccontextmanager
async def resolver(folder: Path, *handlers: Handler | None, patience: float = 2.0) -> AsyncIterator[tuple[Asker, list[Server]]]:
    """A resolver on the loopback whose host has these servers on 127.0.0.11, .12...; None: nobody listens there."""
    servers: list[Server] = []
    port = 0
    for number, handler in enumerate(handlers):
        if handler is not None:
            servers.append(Server(f"127.0.0.{number + 11}", port, handler))
            port = servers[-1].port
    file = folder / "resolv.conf"
    file.write_text("# the host's\nsearch example.org\n" + "".join(f"nameserver 127.0.0.{n + 11}\n" for n in range(len(handlers))))
    udp, tcp = sockets()
    served = Resolver(zone(), Upstream(file, port=port or 9, patience=patience))
    asker = Asker(udp.getsockname()[1])
    for server in servers:
        await server.start()
    await served.start(udp, tcp)
    try:
        yield asker, servers
    finally:
        await served.close()
        for server in servers:
            server.close()


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def test_names_of_containers_are_answered_without_asking_anybody(tmp_path: Path) -> None:
    """Replicas by turns, over UDP and TCP; a missing IPv6 address is an empty answer; the host's servers hear nothing."""

    async def check() -> None:
        async with resolver(tmp_path, address("192.0.2.1")) as (asker, (server,)):
            first, second = [found(await asker.udp(query("WEB"))) for _ in range(2)]
            assert sorted(first) == ["10.9.0.1", "10.9.0.2"] and second == first[::-1]
            assert [sorted(found(record)) for record in await asker.tcp(query("web"), query("shop-web-2"))] == [sorted(first), ["10.9.0.2"]]
            empty = await asker.udp(query("web", "AAAA"))
            assert (RCODE[empty.header.rcode], empty.rr) == ("NOERROR", [])
            assert found(await asker.udp(query("1.0.9.10.in-addr.arpa", "PTR"))) == ["shop-web-1.shop_front."]
            assert found(await asker.udp(query("host.docker.internal"))) == ["10.200.0.1"]
            assert server.asked == []

    run(check())


def test_other_names_are_forwarded_as_they_are(tmp_path: Path) -> None:
    """The answer comes back under the client's number, asked with the client's EDNS, over UDP and over TCP; single labels too."""

    async def check() -> None:
        async with resolver(tmp_path, address("192.0.2.1")) as (asker, (server,)):
            asked = DNSRecord.question("intranet")
            asked.add_ar(EDNS0(udp_len=1400, flags="do"))
            record = await asker.udp(bytes(asked.pack()))
            assert (record.header.id, found(record)) == (asked.header.id, ["192.0.2.1"])
            assert server.asked[0].header.id != asked.header.id
            assert [(entry.rclass, entry.edns_do) for entry in server.asked[0].ar] == [(1400, 1)]
            assert [found(record) for record in await asker.tcp(query("example.org"), query("web"), query("example.net"))] == [
                ["192.0.2.1"], ["10.9.0.1", "10.9.0.2"], ["192.0.2.1"],
            ]

    run(check())


def test_the_host_loopback_stub_and_the_next_server(tmp_path: Path) -> None:
    """A server where nobody listens, one that is silent and one that fails are passed over, in order."""

    async def check() -> None:
        handlers = (lambda _: None, code("SERVFAIL"), address("192.0.2.3"))
        async with resolver(tmp_path, *handlers, patience=0.1) as (asker, servers):
            assert found(await asker.udp(query("example.org"))) == ["192.0.2.3"]
            assert [len(server.asked) for server in servers] == [1, 1, 1]
        async with resolver(tmp_path, None, address("192.0.2.2")) as (asker, _):
            assert found(await asker.udp(query("example.org"))) == ["192.0.2.2"]
            assert [found(record) for record in await asker.tcp(query("example.org"))] == [["192.0.2.2"]]

    run(check())


def test_no_such_name_is_an_answer(tmp_path: Path) -> None:
    """NXDOMAIN of the first server is passed on, nobody else is asked."""

    async def check() -> None:
        async with resolver(tmp_path, code("NXDOMAIN"), address("192.0.2.2")) as (asker, servers):
            assert RCODE[(await asker.udp(query("nobody.example.org"))).header.rcode] == "NXDOMAIN"
            assert servers[1].asked == []

    run(check())


def test_without_any_answer_it_says_so(tmp_path: Path) -> None:
    """SERVFAIL when all are silent; the refusal of one when that is all there is."""

    async def check() -> None:
        async with resolver(tmp_path, lambda _: None, patience=0.05) as (asker, _):
            record = await asker.udp(query("example.org"))
            assert (RCODE[record.header.rcode], str(record.q.qname)) == ("SERVFAIL", "example.org.")
        async with resolver(tmp_path, code("REFUSED"), lambda _: None, patience=0.05) as (asker, _):
            assert RCODE[(await asker.udp(query("example.org"))).header.rcode] == "REFUSED"

    run(check())


def test_truncation_is_passed_on(tmp_path: Path) -> None:
    """A truncated answer goes to the client, which asks again by TCP and gets it whole by TCP."""

    def short_by_udp(record: DNSRecord) -> bytes:
        reply = _with(record.reply(), "192.0.2.1")
        reply.header.tc = int(len(asked_by_udp) == 0)
        asked_by_udp.append(record)
        return bytes(reply.pack())

    asked_by_udp: list[DNSRecord] = []

    async def check() -> None:
        async with resolver(tmp_path, short_by_udp) as (asker, _):
            assert (await asker.udp(query("example.org"))).header.tc == 1
            (whole,) = await asker.tcp(query("example.org"))
            assert whole.header.tc == 0 and found(whole) == ["192.0.2.1"]

    run(check())


def test_forged_answers_are_not_taken(tmp_path: Path) -> None:
    """Answers to another question or with another number are ignored; the real one, later, is taken."""

    async def check() -> None:
        async with resolver(tmp_path, lambda _: None, patience=5) as (asker, (server,)):
            loop = asyncio.get_running_loop()

            def forge() -> None:
                packet, client = server.udp.recvfrom(4096)
                record = DNSRecord.parse(packet)
                other = DNSRecord.question("other.example.org").reply()
                other.header.id = record.header.id
                wrong = _with(record.reply(), "192.0.2.66")
                wrong.header.id = record.header.id ^ 1
                for answer in (_with(other, "192.0.2.66"), wrong, _with(record.reply(), "192.0.2.1")):
                    server.udp.sendto(bytes(answer.pack()), client)

            loop.remove_reader(server.udp)
            loop.add_reader(server.udp, forge)
            assert found(await asker.udp(query("example.org"))) == ["192.0.2.1"]

    run(check())


def test_clients_on_internal_networks_are_not_forwarded_for(tmp_path: Path) -> None:
    """They find their neighbours and get SERVFAIL for the rest, as with Docker; nobody outside hears of it."""

    async def check() -> None:
        async with resolver(tmp_path, address("192.0.2.1")) as (asker, (server,)):
            assert sorted(found(await asker.udp(query("web"), source=f"{INTERNAL}5"))) == ["10.9.1.1", "10.9.1.2"]
            assert RCODE[(await asker.udp(query("example.org"), source=f"{INTERNAL}5")).header.rcode] == "SERVFAIL"
            assert server.asked == []

    run(check())


def test_nonsense_does_not_disturb(tmp_path: Path) -> None:
    """Random packets, responses and cut TCP messages end nothing; a broken query is called one."""

    async def check() -> None:
        async with resolver(tmp_path, None, patience=0.05) as (asker, _):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as noise:
                for size in (0, 1, 11, 12, 13, 40, 300):
                    noise.sendto(os.urandom(size), ("127.0.0.1", asker.port))
                noise.sendto(bytes(DNSRecord.question("web").reply().pack()), ("127.0.0.1", asker.port))
            broken = await asker.udp(struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0))
            assert (broken.header.id, RCODE[broken.header.rcode]) == (7, "FORMERR")
            for cut in (b"\0", b"\0\x20abc", b"\0\x05abcde"):
                _, writer = await asyncio.open_connection("127.0.0.1", asker.port)
                writer.write(cut)
                writer.close()
            assert len(found(await asker.udp(query("web")))) == 2
            assert [len(record.rr) for record in await asker.tcp(query("web"))] == [2]

    run(check())


def test_another_resolv_conf_counts_from_then_on(tmp_path: Path) -> None:
    """The host's file is read again when it is replaced or rewritten."""

    async def check() -> None:
        async with resolver(tmp_path, address("192.0.2.1"), address("192.0.2.2")) as (asker, _):
            assert found(await asker.udp(query("example.org"))) == ["192.0.2.1"]
            (tmp_path / "new").write_text("nameserver not-an-address\nnameserver\nnameserver 127.0.0.12\n")
            (tmp_path / "new").rename(tmp_path / "resolv.conf")
            assert found(await asker.udp(query("example.org"))) == ["192.0.2.2"]

    run(check())


def test_without_a_nameserver_the_loopback_is_asked(tmp_path: Path) -> None:
    """An empty or missing resolv.conf means the local machine (resolv.conf(5)); link-local servers keep their scope."""
    empty = Upstream(tmp_path / "none", port=5353)
    assert [server.target for server in empty.servers()] == [("127.0.0.1", 5353)]
    (tmp_path / "resolv.conf").write_text("nameserver fe80::1%lo\n")
    (server,) = Upstream(tmp_path / "resolv.conf").servers()
    assert server.target == ("fe80::1", 53, 0, socket.if_nametoindex("lo"))


def test_many_questions_at_once_are_all_answered(tmp_path: Path) -> None:
    """A slow server holds up nobody: names of containers are answered while 200 questions wait for it."""

    async def check() -> None:
        async with resolver(tmp_path, address("192.0.2.1")) as (asker, (server,)):
            held: list[tuple[bytes, tuple[str, int]]] = []
            loop = asyncio.get_running_loop()
            loop.remove_reader(server.udp)
            loop.add_reader(server.udp, lambda: held.append(server.udp.recvfrom(4096)))
            waiting = [loop.create_task(asker.udp(query(f"host{number}.example.org"), patience=30)) for number in range(200)]
            while len(held) < 200 and not any(task.done() for task in waiting):
                await asyncio.sleep(0)
            assert len(found(await asker.udp(query("web")))) == 2
            for packet, client in held:
                server.udp.sendto(address("192.0.2.1")(DNSRecord.parse(packet)) or b"", client)
            answers = await asyncio.gather(*waiting)
            assert len(held) == 200 and all(found(record) == ["192.0.2.1"] for record in answers)

    run(check())


def test_too_many_waiting_questions_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit the answer is SERVFAIL at once, and memory stays bounded."""
    monkeypatch.setattr("composer.supervisor.dns.MOST_WAITING", 1)

    async def check() -> None:
        async with resolver(tmp_path, lambda _: None, patience=30) as (asker, (server,)):
            first = asyncio.get_running_loop().create_task(asker.udp(query("one.example.org"), patience=30))
            while not server.asked:
                await asyncio.sleep(0)
            assert RCODE[(await asker.udp(query("two.example.org"))).header.rcode] == "SERVFAIL"
            first.cancel()

    run(check())


def test_a_thousand_answers_a_second(tmp_path: Path) -> None:
    """One core answers at least 1,000 questions about containers a second, client included."""

    async def check() -> None:
        async with resolver(tmp_path, None) as (asker, _):
            loop = asyncio.get_running_loop()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as ours:
                ours.connect(("127.0.0.1", asker.port))
                began, packet = os.times(), query("web")
                for _ in range(1000):
                    await loop.sock_sendall(ours, packet)
                    assert await loop.sock_recv(ours, 512)
                ended = os.times()
            assert ended.user + ended.system - began.user - began.system < 1.0

    run(check())
