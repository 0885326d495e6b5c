"""The guard, as the supervisor sees it: what it holds for us, and how to tell it."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from composer.host import Reservation
from composer.observed import Publication
from composer.process import spawn
from composer.supervisor.guard import MESSAGE, is_kept

MOST_DESCRIPTORS = 16


@dataclass(slots=True)
class Holdings:
    """`held`: key -> (meta, descriptors of ours), so that a new guard can be given all of it."""

    channel: socket.socket
    identity: dict[str, str]
    guard_pid: int
    held: dict[str, tuple[dict[str, Any], list[int]]] = field(default_factory=dict)

    @classmethod
    def receive(cls, channel: socket.socket) -> Holdings:
        """What the guard says first to a new supervisor; blocks until it knows the project. EOF: there is no project for us."""
        text = channel.recv(MESSAGE)
        if not text:
            raise SystemExit(0)
        head = json.loads(text)
        holdings = cls(channel, head["identity"], head["guard"])
        for _ in range(head["held"]):
            text, descriptors, _, _ = socket.recv_fds(channel, MESSAGE, MOST_DESCRIPTORS)
            message = json.loads(text)
            holdings.held[message["held"]] = (message["meta"], list(descriptors))
        return holdings

    def hold(self, key: str, sockets: Sequence[socket.socket], meta: dict[str, Any] | None = None) -> None:
        """Have the guard keep the sockets open as long as they are not dropped."""
        self.forget(key)
        self.held[key] = (meta or {}, [os.dup(one.fileno()) for one in sockets])
        self._send({"hold": key, "meta": meta or {}}, self.held[key][1])

    def drop(self, key: str) -> None:
        self.forget(key)
        self._send({"drop": key})

    def forget(self, key: str) -> None:
        for descriptor in self.held.pop(key, ({}, []))[1]:
            os.close(descriptor)

    def sockets(self, key: str) -> list[socket.socket]:
        """Fresh socket objects of what is held under a key."""
        return [socket.socket(fileno=os.dup(one)) for one in self.held.get(key, ({}, []))[1]]

    def hold_port(self, name: str, reservation: Reservation) -> None:
        sockets = [*reservation.held, *([reservation.forward] if reservation.forward else [])]
        if any(one.fileno() < 0 for one in sockets):
            return  # given back already
        meta = {"name": name, "publication": reservation.publication.to_json(), "forward": reservation.forward is not None}
        self.hold(port_key(name, reservation), sockets, meta)

    def ports(self) -> list[tuple[str, Reservation]]:
        """(container name, reservation) of all ports that the guard kept."""
        found = []
        for key in [key for key in self.held if key.startswith("port/")]:
            meta, sockets = self.held[key][0], self.sockets(key)
            forward = sockets.pop() if meta["forward"] else None
            found.append((meta["name"], Reservation(Publication.from_json(meta["publication"]), tuple(sockets), forward)))
        return found

    def bye(self) -> None:
        """We are going, on purpose: the guard ends first, and with it all that it holds. Blocks until it has."""
        asyncio.get_running_loop().remove_reader(self.channel)
        self._send({"bye": True})
        with suppress(ConnectionResetError):
            while self.channel.recv(MESSAGE):
                pass

    def hand_over(self, python: str, path: str) -> None:
        """Have a guard of other code take our guard's place: `python` is its interpreter, `path` its PYTHONPATH. It starts a supervisor of
        that code as soon as we end."""
        self.bye()
        self.channel.close()
        self._new_guard(python, {"PYTHONPATH": path} if path else {})

    def watch(self) -> None:
        """Notice the guard's end and start another."""
        asyncio.get_running_loop().add_reader(self.channel, self._readable)

    def _readable(self) -> None:
        with suppress(ConnectionResetError):
            if self.channel.recv(MESSAGE):
                return
        asyncio.get_running_loop().remove_reader(self.channel)
        self.channel.close()
        self._new_guard()

    def _new_guard(self, python: str = sys.executable, env: Mapping[str, str] | None = None) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        kept = {key: value for key, value in os.environ.items() if is_kept(key)}
        argv = [python, "-m", "composer.supervisor.guard", str(theirs.fileno()), str(os.getpid())]
        spawn(argv, pass_fds=[theirs.fileno()], env={**kept, **(env or {})})
        theirs.close()
        self.channel = ours
        for key, (meta, descriptors) in self.held.items():
            self._send({"hold": key, "meta": meta}, descriptors)
        self._send({"adopt": self.identity})
        self.watch()

    def _send(self, message: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
        with suppress(BrokenPipeError, ConnectionResetError, OSError):
            socket.send_fds(self.channel, [json.dumps(message).encode()], list(descriptors))


def port_key(name: str, reservation: Reservation) -> str:
    """What the guard knows a reserved port by."""
    one = reservation.publication
    return f"port/{name}/{one.protocol}/{one.host_ip}/{one.host_port}/{one.container_port}"
