"""The caller's streams joined to a container's through conmon's attach socket, for as long as the supervisor has not said how it ended."""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from composer.commands import terminal
from composer.commands.interrupts import interrupted_by
from composer.events import Event
from composer.runtime.conmon import attach, resize
from composer.store import ContainerPlaces
from composer.supervisor.client import Client, outcome

#: First byte of a packet of conmon's attach socket -> our descriptor.
STREAMS = {2: 1, 3: 2}
CHUNK = 8192
#: What a process may be sent on purpose; the container's PID 1 gets it in our place.
HANDED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


@dataclass(frozen=True, slots=True)
class Wishes:
    """`tty`: the container has a terminal; `on_signal` gets the number of each signal that we get; `on_event` what the supervisor tells."""

    on_signal: Callable[[int], None]
    on_event: Callable[[Event], None]
    tty: bool = False
    stdin: bool = True
    detach_keys: bytes = b""


def join(place: ContainerPlaces, client: Client, request: tuple[str, dict[str, Any]], wishes: Wishes) -> dict[str, Any] | None:
    """Send the supervisor a request whose result says how the container ended, and pump until it comes and no output is left.

    None when the detach keys were typed: the container goes on."""
    with ExitStack() as open_:
        attached = open_.enter_context(attach(place))
        signals = open_.enter_context(interrupted_by(*HANDED_ON, *([signal.SIGWINCH] if wishes.tty else [])))
        if wishes.tty and wishes.stdin and sys.stdin.isatty():
            open_.enter_context(terminal.raw())
        joint = Joint(place, client, attached, signals, wishes)
        joint.follow_size()
        client.send(*request)
        return joint.pump()


@dataclass(slots=True)
class Joint:
    """Whoever is ready is served; nothing blocks but `select`, so that a container which does not read can still write."""

    place: ContainerPlaces
    client: Client
    attached: socket.socket
    signals: socket.socket
    wishes: Wishes
    typed: bytes = b""  # not taken by the container yet
    stdin: int = -1  # our descriptor, while there is more to come from it
    listening: bool = True  # the container's output is not at its end
    keys: terminal.KeyWatch = field(init=False)

    def __post_init__(self) -> None:
        self.keys = terminal.KeyWatch(self.wishes.detach_keys)
        self.attached.setblocking(False)
        if self.wishes.stdin and sys.stdin and not sys.stdin.closed:
            self.stdin = sys.stdin.fileno()

    def pump(self) -> dict[str, Any] | None:
        result: dict[str, Any] | None = None
        while result is None or self.listening:
            reading: list[Any] = [self.signals, *([self.client] if result is None else []), *([self.attached] if self.listening else [])]
            if self.stdin >= 0 and not self.typed:
                reading.append(self.stdin)
            ready, _, _ = select.select(reading, [self.attached] if self.typed else [], [])
            if self.attached in ready:
                self.listening = self._output()
            if self.typed:
                self._send()
            if self.stdin in ready and self._read_keys():
                return None
            if self.signals in ready:
                self._hear_signals()
            if self.client in ready:
                result = self._hear()
        return result

    def follow_size(self) -> None:
        """The container's terminal is as large as ours."""
        if self.wishes.tty and (size := terminal.size()):
            resize(self.place, *size)

    def _output(self) -> bool:
        """One packet to our stdout or stderr; False at the end."""
        try:
            packet = self.attached.recv(CHUNK + 1)
        except BlockingIOError:
            return True
        except ConnectionResetError:
            return False
        if packet:
            _write(STREAMS.get(packet[0], 1), packet[1:])
        return bool(packet)

    def _read_keys(self) -> bool:
        """One piece of our stdin for the container; at its end, which is passed on, no more. True when the detach keys are complete."""
        try:
            data = os.read(self.stdin, CHUNK)
        except OSError:  # the terminal has gone
            data = b""
        if not data:
            self._close()
            return False
        self.typed, detached = self.keys.feed(data)
        self._send()
        return detached

    def _send(self) -> None:
        try:
            while self.typed:
                self.typed = self.typed[self.attached.send(self.typed[:CHUNK]) :]
        except BlockingIOError:
            return
        except OSError:  # the other end has gone
            self.typed, self.stdin = b"", -1

    def _close(self) -> None:
        self.stdin = -1
        try:
            self.attached.shutdown(socket.SHUT_WR)
        except OSError:  # the other end has gone
            self.typed = b""

    def _hear_signals(self) -> None:
        for number in self.signals.recv(64):
            if number == signal.SIGWINCH:
                self.follow_size()
            else:
                self.wishes.on_signal(number)

    def _hear(self) -> dict[str, Any] | None:
        for message in self.client.receive():
            if "event" not in message:
                return dict(outcome(message))
            self.wishes.on_event(Event.from_json(message["event"]))
        return None


def _write(descriptor: int, data: bytes) -> None:
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except OSError as gone:  # a terminal that was closed says EIO
        raise BrokenPipeError(gone.errno, gone.strerror) from gone
