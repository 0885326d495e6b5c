"""What all actions of one project share: the drivers, the records, the ports that are held, and who is told what happens."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from composer.engine.ports import Ports
from composer.engine.records import Records
from composer.events import Event
from composer.host import Host
from composer.observed import Container
from composer.store import ProjectPlaces


class Keeper(Protocol):
    """Who looks after containers while they run: the supervisor. Called in the event loop."""

    def starting(self, container: Container) -> None:
        """About to start: from now on its names resolve."""

    def started(self, container: Container) -> None: ...

    def ended(self, container: Container) -> None:
        """Ended and put away; a restart policy may start it again."""

    def will_restart(self, container: Container) -> bool:
        """Whether its restart policy is about to start it again."""

    def checked(self, container: Container) -> bool:
        """Whether it has a health check."""

    def test(self, container: Container) -> str:
        """What is asked of its health check, and when; "" without one."""

    async def settle(self, containers: Sequence[Container]) -> None:
        """Until those that were just started, and have no health check, have got over their first moments."""

    def forget(self, id_: str) -> None:
        """The container is removed."""

    async def sandbox_made(self) -> None:
        """The project's namespace is there: names can be served."""

    async def sandbox_ends(self) -> None: ...

    def paused(self, container: Container) -> None:
        """About to be frozen: nothing that is asked inside would be answered."""

    def unpaused(self, container: Container) -> None: ...

    def report(self, container: Container) -> list[str]:
        """Lines for an error message: the last health probe's exit code and output, the last lines of the log."""


class Changes:
    """Wakes who waits for any record to change; safe to ring from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiters: set[asyncio.Future[None]] = set()

    def ring(self, _container: Container | None = None) -> None:
        self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self) -> None:
        """Until the next ring."""
        waiter = self._loop.create_future()
        self._waiters.add(waiter)
        try:
            await waiter
        finally:
            self._waiters.discard(waiter)


@dataclass(slots=True)
class Scene:
    places: ProjectPlaces
    host: Host
    records: Records
    ports: Ports
    changes: Changes
    keeper: Keeper
    loop: asyncio.AbstractEventLoop
    listeners: list[asyncio.Queue[Event]] = field(default_factory=list)
    promised: Collection[str] = ()  # addresses that the plan being done gives to containers that ask for them
    chronicle: Callable[[Event], Event] | None = None  # keeps what happened, and completes it
    hurried: bool = False  # what is being waited for need not be any more: files have changed since
    given_up: bool = False  # and a wait was ended for that
    watched: bool = False  # files are followed: what has ended may be started again by the next change
    plans: asyncio.Lock = field(default_factory=asyncio.Lock)
    addresses: asyncio.Lock = field(default_factory=asyncio.Lock)
    thread: int = field(default_factory=threading.get_ident)

    def tell(self, event: Event) -> None:
        """To everybody who listens; may be called from any thread."""
        if threading.get_ident() == self.thread:
            self._deliver(event)
        else:
            self.loop.call_soon_threadsafe(self._deliver, event)

    def _deliver(self, event: Event) -> None:
        if self.chronicle:
            event = self.chronicle(event)
        for queue in self.listeners:
            queue.put_nowait(event)

    def say(self, container: Container, action: str, detail: str = "") -> None:
        self.tell(Event(time.time(), f"container/{container.name}", action, detail, container.service))
