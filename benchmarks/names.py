"""Name resolution while the supervisor is killed: queries from a container's network, one after another."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from statistics import median

from dnslib import DNSRecord

from benchmarks.bench import Bench
from benchmarks.section import Goal, Section, paragraphs, table
from benchmarks.work import compose_file
from composer.engine.records import read_containers
from composer.network.namespaces import apart, opened
from composer.store import ProjectPlaces, read_json
from tests.eventually import eventually

RESOLVER = ("127.0.0.11", 53)
#: Seconds that resolvers wait for an answer (resolv.conf(5), timeout), and between two queries.
PATIENCE, PAUSE = 5.0, 0.002
NAME = "s1"

TEXT = """\
{count} queries for another service's name, one after another, by the resolver that a container has (127.0.0.11, in its network namespace).
The supervisor gets SIGKILL when a third of them is done; the guard starts the next one. A query has failed when there is no right answer
within {patience:g} s, without a second try."""


def measure(bench: Bench) -> Section:
    bench.say("names over a SIGKILL of the supervisor")
    composer = bench.place.project("names")
    composer.write(compose_file(2))
    composer("up", "-d")
    try:
        (project,) = composer.projects()
        return section(over_a_kill(project, bench.effort.queries))
    finally:
        composer("down", "-t", "1")


def over_a_kill(project: ProjectPlaces, count: int) -> list[float | None]:
    """How long each query took, None for one that failed."""
    containers = {one.service: one for one in read_containers(project)}
    asking, asked = containers["s0"], containers[NAME]
    assert asking.process
    right, supervisor = asked.endpoints[0].address.partition("/")[0], _supervisor(project)

    def ask_all() -> list[float | None]:
        took = [ask(right) for _ in range(count // 3)]
        os.kill(supervisor, signal.SIGKILL)
        return took + [ask(right) for _ in range(count - count // 3)]

    with opened(f"/proc/{asking.process.pid}/ns/net") as netns:
        took = apart(ask_all, netns=netns)
    assert eventually(lambda: _supervisor(project)) != supervisor, "the supervisor was not killed"
    return took


def _supervisor(project: ProjectPlaces) -> int:
    return int((read_json(project.guard_file) or {})["supervisor"])


def ask(right: str) -> float | None:
    begun = time.monotonic()
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE)
        client.connect(RESOLVER)
        client.send(DNSRecord.question(NAME).pack())
        answer = DNSRecord.parse(client.recv(4096))
        if [str(record.rdata) for record in answer.rr] == [right]:
            took = time.monotonic() - begun
            time.sleep(PAUSE)
            return took
    return None


def section(took: Sequence[float | None]) -> Section:
    good = [one for one in took if one is not None]
    failed = len(took) - len(good)
    times = [f"{median(good) * 1000:.2f}", f"{max(good) * 1000:.0f}"] if good else ["", ""]
    body = table(("queries", "failed", "median (ms)", "slowest (ms)"), [[str(len(took)), str(failed), *times]])
    return Section("Names over a SIGKILL of the supervisor", paragraphs(TEXT.format(count=len(took), patience=PATIENCE), body),
                   (Goal(f"failed queries of {len(took)} over a SIGKILL of the supervisor", 0, failed, ""),))
