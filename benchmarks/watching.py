"""Looking from outside: when composer said something, and when a container's port first answered somebody in the project's network."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from composer.engine.records import read_containers
from composer.network.namespaces import Namespace
from composer.store import ProjectPlaces

T = TypeVar("T")

#: Seconds between two looks, and for one try.
PAUSE, TRY = 0.005, 0.2


def told(output: str) -> list[dict[str, Any]]:
    """The events of `--progress json`, which begin with when (seconds since the epoch), to whom and what."""
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


def first(events: list[dict[str, Any]], service: str, action: str) -> float | None:
    """When this was first told of the service or of a container of it."""
    moments = [event["at"] for event in events if event["action"] == action and service_of(event) == service]
    return min(moments, default=None)


def service_of(event: dict[str, Any]) -> str:
    """Its own events name it after a slash: `service/db healthy`."""
    named: str = event.get("service") or event["subject"].partition("/")[2].partition(" ")[0]
    return named


def first_answer(project: ProjectPlaces, service: str, port: int, deadline: float, *, question: bytes = b"", answer: bytes = b"") -> float:
    """When the service's port first took a TCP connection, and said what begins like `answer` to the `question`, if any."""
    address = _until(deadline, lambda: _address(project, service))
    work = partial(_answered, address, port, question, answer)
    return Namespace(project.netns).run(lambda: _until(deadline, work))


def _until(deadline: float, look: Callable[[], T | None]) -> T:
    while (found := look()) is None:
        assert time.time() < deadline, "the watched port did not answer"
        time.sleep(PAUSE)
    return found


def _address(project: ProjectPlaces, service: str) -> str | None:
    """As soon as the container runs. Earlier tries would make the kernel wait a second between its questions for the MAC address."""
    ends = [end for one in read_containers(project) if one.service == service and one.status == "running" for end in one.endpoints]
    return ends[0].address.partition("/")[0] if ends else None


def _answered(address: str, port: int, question: bytes, answer: bytes) -> float | None:
    with suppress(OSError), socket.create_connection((address, port), timeout=TRY) as client:
        at = time.time()
        if not question:
            return at
        client.sendall(question)
        if answer in b"".join(iter(lambda: client.recv(4096), b"")):
            return at
    return None
