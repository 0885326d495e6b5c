"""`composer run`: a one-off container of a service, with the caller's standard streams and its exit code."""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
from dataclasses import dataclass, field
from typing import Any

from composer.commands.interrupts import interrupted_by
from composer.commands.session import Session
from composer.commands.up import arguments
from composer.errors import UsageError
from composer.events import Event
from composer.model.blueprint import Blueprint
from composer.model.project import Project
from composer.model.service import Service
from composer.plan.options import UpOptions
from composer.runtime.conmon import attach
from composer.store import ContainerPlaces
from composer.supervisor.client import Client, outcome

#: First byte of a packet of conmon's attach socket.
STREAMS = {2: 1, 3: 2}
CHUNK = 8192


@dataclass(frozen=True, slots=True)
class RunRequest:
    service: str
    command: tuple[str, ...] = ()
    name: str = ""
    entrypoint: tuple[str, ...] | None = None
    environment: dict[str, str] = field(default_factory=dict)
    user: str = ""
    working_dir: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    dependencies: bool = True
    remove: bool = False
    detach: bool = False
    build: bool = False


def run(session: Session, request: RunRequest) -> int:
    """Brings up what the service needs, waits for it as the file says, then runs. Returns the container's exit code."""
    loaded = session.load((request.service,))
    project = loaded.project
    if request.service not in project.services:
        raise UsageError(f"no such service: {request.service}")
    service = project.services[request.service]
    places = session.places.project(project.hash)
    client = session.reach(places, project.name)
    try:
        if request.dependencies and service.depends_on:
            needed = {name: edge.condition for name, edge in service.depends_on.items() if name in project.services}
            client.call("up", arguments(loaded, UpOptions(services=tuple(needed), waits=dict(needed))), session.audience.event)
        name = request.name or f"{project.name}-{request.service}-run-{os.urandom(6).hex()}"
        base = arguments(loaded, UpOptions(build=request.build))
        changed = _blueprint(project, service, request)
        made = client.call(
            "create_oneoff",
            {**base, "blueprint": changed.model_dump(mode="json"), "name": name, "stdin": not request.detach},
            session.audience.event,
        )
        return _Run(session, client, name, request).to_the_end(places.container(made["id"]))
    finally:
        client.close()


def _blueprint(project: Project, service: Service, request: RunRequest) -> Blueprint:
    """Ports stay closed, and no restart policy applies; an entrypoint of the caller's drops the file's command."""
    update: dict[str, Any] = {
        "restart": "no",
        "ports": (),
        "container_name": None,
        "deploy": service.deploy.model_copy(update={"restart_policy": None}),
    }
    if request.entrypoint is not None:
        update |= {"entrypoint": request.entrypoint, "command": ()}
    if request.command:
        update["command"] = request.command
    update["environment"] = {**service.environment, **request.environment}
    update["labels"] = {**service.labels, **request.labels}
    update |= {key: value for key, value in (("user", request.user), ("working_dir", request.working_dir)) if value}
    networks = {
        key: one.model_copy(update={"aliases": (), "ipv4_address": None, "mac_address": None}) for key, one in service.networks.items()
    }
    return Blueprint.of(service.model_copy(update={**update, "networks": networks}), project)


@dataclass(slots=True)
class _Run:
    """Pumps the caller's streams while the container lives."""

    session: Session
    client: Client
    name: str
    request: RunRequest

    def to_the_end(self, place: ContainerPlaces) -> int:
        finish = {"name": self.name, "remove": self.request.remove, "detach": self.request.detach}
        if self.request.detach:
            self.client.call("finish_oneoff", finish, self.session.audience.event)
            print(self.name)
            return 0
        with attach(place) as attached, interrupted_by(signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT) as signals:
            self.client.send("finish_oneoff", finish)
            result = self._pump(attached, signals)
        if result.get("oom_killed"):
            self.session.audience.warn(f"{self.name} was killed: out of memory")
        return int(result["exit_code"])

    def _pump(self, attached: socket.socket, signals: socket.socket) -> dict[str, Any]:
        """Until the supervisor says how it ended and conmon has no more output."""
        waiting: list[Any] = [self.client, attached, signals, *([sys.stdin.fileno()] if not sys.stdin.closed else [])]
        result: dict[str, Any] | None = None
        while result is None or attached in waiting:
            ready, _, _ = select.select(waiting, [], [])
            if attached in ready and not _output(attached):
                waiting.remove(attached)
            if sys.stdin.fileno() in ready and not _input(attached):
                waiting.remove(sys.stdin.fileno())
            if signals in ready:
                self._pass_on(signals.recv(64))
            if self.client in ready:
                result = self._hear()
                if result is not None:
                    waiting.remove(self.client)
        return result

    def _hear(self) -> dict[str, Any] | None:
        for message in self.client.receive():
            if "event" in message:
                self.session.audience.event(Event.from_json(message["event"]))
            else:
                return dict(outcome(message))
        return None

    def _pass_on(self, numbers: bytes) -> None:
        """Every signal goes to the container's PID 1, by another connection: ours is busy."""
        _, places = self.session.identity()
        other = self.session.reach(places, "")
        for number in numbers:
            other.call("signal", {"name": self.name, "signal": str(number)}, lambda _event: None)
        other.close()


def _output(attached: socket.socket) -> bool:
    """One packet to our stdout or stderr; False at the end."""
    try:
        packet = attached.recv(CHUNK + 1)
    except ConnectionResetError:
        return False
    if not packet:
        return False
    left = packet[1:]
    while left:
        left = left[os.write(STREAMS.get(packet[0], 1), left) :]
    return True


def _input(attached: socket.socket) -> bool:
    """One piece of our stdin to the container; False at its end, which is passed on."""
    data = os.read(sys.stdin.fileno(), CHUNK)
    try:
        if data:
            attached.sendall(data)
        else:
            attached.shutdown(socket.SHUT_WR)
    except (BrokenPipeError, ConnectionResetError):
        return False
    return bool(data)
