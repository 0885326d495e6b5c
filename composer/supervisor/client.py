"""The command line's end of the supervisor's socket: blocking, no asyncio, descriptors that `select` can wait for."""

from __future__ import annotations

import os
import re
import select
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import composer
from composer.errors import ComposerError, SupervisorError
from composer.events import Event
from composer.store import ProjectPlaces
from composer.supervisor import protocol
from composer.supervisor.guard import Launcher, launch

#: How long another command's guard, which has the lock, may take until its socket is there.
PATIENCE = 5.0


class Client:
    """One connection; `fileno` becomes readable when `messages` has something."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = b""
        self.parallel = 0

    def fileno(self) -> int:
        return self._connection.fileno()

    def send(self, verb: str, args: dict[str, Any]) -> None:
        if self.parallel:
            args = {**args, "parallel": self.parallel}
        try:
            self._connection.sendall(protocol.encode(protocol.request(verb, args)))
        except OSError as gone:
            raise SupervisorError("the project's supervisor went away", hint="run the command again") from gone

    def cancel(self) -> None:
        self._connection.sendall(protocol.encode({"cancel": True}))

    def receive(self) -> Iterator[dict[str, Any]]:
        """The messages of one read; blocks only when there is nothing at all. The end of the connection raises."""
        try:
            data = self._connection.recv(1 << 16)
        except ConnectionResetError:
            data = b""
        if not data:
            raise SupervisorError(
                "the project's supervisor went away in the middle of the command", hint="run the command again: it goes on where it stopped"
            )
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        return (protocol.decode(line) for line in lines)

    def call(self, verb: str, args: dict[str, Any], on_event: Callable[[Event], None]) -> Any:
        """Send a request and wait for its result, handing over events meanwhile."""
        self.send(verb, args)
        return self.result(on_event)

    def result(self, on_event: Callable[[Event], None]) -> Any:
        """Of the request that was sent."""
        while True:
            for message in self.receive():
                if "event" in message:
                    on_event(Event.from_json(message["event"]))
                else:
                    return outcome(message)

    def until_gone(self, places: ProjectPlaces) -> None:
        """After `down`: when nothing is left for a supervisor to do, wait until it has put itself away, and hangs up. It stays when
        an `up` has come meanwhile, which shows by the project's file."""
        deadline = time.monotonic() + PATIENCE
        with suppress(ConnectionResetError):
            while not places.project_file.exists() and time.monotonic() < deadline:
                readable, _, _ = select.select([self._connection], [], [], 0.05)
                if readable and not self._connection.recv(1 << 16):
                    return

    def close(self) -> None:
        self._connection.close()


def outcome(message: dict[str, Any]) -> Any:
    """The value of a result message; an error message is raised."""
    if "error" in message:
        said = message["error"]
        problem = ComposerError(said["message"], hint=said.get("hint", ""))
        problem.exit_code = said.get("exit_code", 1)
        raise problem
    return message["result"]


def connect(places: ProjectPlaces) -> Client | None:
    """To the project's supervisor when there is one (guard or supervisor lives); None when there is none."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(os.fspath(places.socket))
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    except PermissionError as refused:
        connection.close()
        raise SupervisorError(
            "the project's supervisor belongs to another user", hint="run composer as that user (root: with sudo)"
        ) from refused
    return Client(connection)


def reach(places: ProjectPlaces, project: str, launcher: Launcher) -> Client:
    """To the project's supervisor; `launcher` becomes it when there is none. One that is just going is waited for."""
    client = current(places)
    if client:
        launcher.close()
        return client
    places.top.make()
    identity = {
        "project": project,
        "hash": places.hash,
        "run": str(places.run),
        "state": str(places.state),
        "root": str(places.top.root),
        "top_run": str(places.top.run),
    }
    deadline = time.monotonic() + PATIENCE
    mine = launcher.identify(identity)
    while (client := current(places)) is None:
        if mine or time.monotonic() > deadline:
            raise SupervisorError("the project's supervisor did not start", hint=f"see {places.log}")
        time.sleep(0.02)
        mine = launch().identify(identity)
    return client


def current(places: ProjectPlaces) -> Client | None:
    """To a supervisor that is not of an older composer; one that is gives way, if it can: then the guard has another one in a moment."""
    client, version = _answering(places)
    if client is None or not is_older(version):
        return client
    with suppress(ComposerError):  # one that does not know how
        client.call("renew", {"python": sys.executable, "path": os.environ.get("PYTHONPATH", "")}, lambda _event: None)
    client.close()
    return _answering(places)[0]


def is_older(version: str) -> bool:
    """Than this composer."""
    ours, theirs = (tuple(map(int, re.findall(r"\d+", text))) for text in (composer.__version__, version))
    return theirs < ours


def _answering(places: ProjectPlaces) -> tuple[Client | None, str]:
    """A connection that is served, what waits at a socket whose holders are going is cut off; and the version of who serves it."""
    client = connect(places)
    if client is None:
        return None, ""
    try:
        return client, str(client.call("hello", {}, lambda _event: None).get("version", ""))
    except SupervisorError:
        client.close()
        return None, ""
