"""What a running container sees, asked from the test's own process: its network namespace and its resolver."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from dnslib import QTYPE, RCODE, DNSRecord

from composer.network.namespaces import apart
from tests import network_world
from tests.command_line import Composer
from tests.records import pid_of, record

RESOLVER = ("127.0.0.11", 53)


@dataclass(frozen=True, slots=True)
class Found:
    """A resolver's answer: its code by name, the values in their order, the longest time to live."""

    code: str
    values: tuple[str, ...] = ()
    ttl: int = 0


@contextmanager
def network_of(composer: Composer, container: str) -> Iterator[int]:
    """A descriptor of the network namespace of a container."""
    netns = os.open(f"/proc/{pid_of(composer, container)}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield netns
    finally:
        os.close(netns)


def shell(composer: Composer, container: str, command: str) -> str:
    """What a command of the host prints in the container's network namespace."""
    with network_of(composer, container) as netns:
        return network_world.sh(netns, command)


def lookup(composer: Composer, container: str, name: str, kind: str = "A") -> Found:
    """What the container's resolver answers."""

    def ask() -> bytes:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(5)
            client.sendto(DNSRecord.question(name, kind).pack(), RESOLVER)
            return client.recv(4096)

    with network_of(composer, container) as netns:
        answer = DNSRecord.parse(apart(ask, netns=netns))
    values = tuple(str(row.rdata) for row in answer.rr if QTYPE[row.rtype] == kind)
    return Found(str(RCODE[answer.header.rcode]), values, max((row.ttl for row in answer.rr), default=0))


def talk(composer: Composer, container: str, address: str, port: int, *, kind: str = "tcp", timeout: float = 2.0) -> str:
    """What a server says to a client in the container, in one line."""
    with network_of(composer, container) as netns:
        return network_world.ask(netns, address, port, kind=kind, timeout=timeout).strip()


def reaches(composer: Composer, container: str, address: str, port: int) -> bool:
    """Whether anybody says anything within half a second."""
    with suppress(OSError):
        return bool(talk(composer, container, address, port, timeout=0.5))
    return False


def address_of(composer: Composer, container: str, network: str = "default") -> str:
    """The container's address on a network of the compose file."""
    (address,) = (end.address for end in record(composer, container).endpoints if end.network == network)
    return address.partition("/")[0]
