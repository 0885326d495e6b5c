"""Looks after one container's health from a start, or the end of a pause, on. Regular ticks are Docker's; before the first success early
ones come when the kernel shows that there is something to ask."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from composer.errors import HostError
from composer.host import Host
from composer.model.service import Service
from composer.observed import Container
from composer.store import ContainerPlaces
from composer.supervisor import early, health
from composer.supervisor.asking import Asker, address_of
from composer.supervisor.probe import probe
from composer.supervisor.sightings import LogSight, Sight, open_sight, stirred

log = logging.getLogger("composer")

#: Seconds between two looks at a log that is written to all the time.
PAUSE = 0.02


@dataclass(slots=True)
class Checkup:
    """`exposed`: the image's ports; `slots`: how many early probes there may be at once; `looked_at`: the ids of all whose listeners are
    looked for; `tell` gets the status after each probe."""

    host: Host
    container: Container
    place: ContainerPlaces
    service: Service
    check: health.Check
    exposed: tuple[str, ...]
    state: health.HealthState
    slots: asyncio.Semaphore
    looked_at: set[str]
    tell: Callable[[health.Status], None]
    sight: Sight | None = field(init=False, default=None)
    asker: Asker | None = field(init=False, default=None)
    seen: bool = field(init=False, default=False)  # all that there was to see

    async def run(self) -> None:
        """Until it is cancelled, or nothing can change any more."""
        try:
            self._open()
            plan = self._begin() if self.service.eager and not self.state.results else None
            while not health.lasts(self.check, self.state.status):
                if plan and self.state.status == "starting":
                    self.looked_at.add(self.container.id)
                    plan = await self._early(plan)
                else:
                    self.looked_at.discard(self.container.id)
                    await asyncio.sleep(max(0.0, self.state.next_tick - time.time()))
                if time.time() >= self.state.next_tick:
                    result = await self._probe()
                    self._record(health.record(self.state, self.check, result, time.time()))
        finally:
            self._close()

    def _open(self) -> None:
        ready, process, log = self.check.ready, self.container.process, None
        assert process is not None
        if ready is None:
            return
        if ready.log is not None:
            with suppress(HostError):  # the asker says so
                self.sight = log = LogSight(self.container, self.place, ready.log)
        elif path := ready.unix or ready.file:
            self.sight = open_sight(path, lambda folder: self.host.storage.open_inside(process, folder))
        self.asker = Asker(self.host, self.container, process, log)

    def _close(self) -> None:
        self.looked_at.discard(self.container.id)
        if self.sight:
            self.sight.close()
            self.sight = None

    def _begin(self) -> early.Early:
        ready = self.check.ready
        if ready is None:
            ports = early.declared_ports(self.service, self.exposed)
        else:  # who has no address of its own is asked on loopback addresses
            ports = early.awaited_ports(ready.endpoint) if ready.endpoint and address_of(self.container) else frozenset()
        return early.begin(ports, time.time())

    async def _early(self, plan: early.Early) -> early.Early:
        """Look, ask if there is something to ask, and wait for the next look, or for what the kernel shows."""
        assert self.container.process is not None
        runtime = self.host.runtime
        if self.sight and not self.seen:  # before asking: what comes in between is told
            await self.sight.renew()
            self.seen = True
        plan = early.look(plan, runtime.listening(self.container.process), runtime.executable(self.container.process), time.time())
        if early.due(plan, time.time()) and not self.slots.locked():
            plan = await self._ask_early(plan)
        if self.state.status != "starting":
            return plan
        wake = min(self.state.next_tick, early.next_look(plan, time.time(), len(self.looked_at)))
        if await stirred(self.sight, max(0.0, wake - time.time())):
            await asyncio.sleep(PAUSE)
            self.seen = False
            return early.stir(plan, time.time())
        return plan

    async def _ask_early(self, plan: early.Early) -> early.Early:
        assert self.container.process is not None
        runtime = self.host.runtime
        async with self.slots:
            began = time.time()
            result = await self._probe(early_one=True)
            ended = time.time()
        # `ready` says itself what has to be true; a test in the container may be answered by a temporary server.
        believed = self.asker is not None or early.believed(
            plan, runtime.executable(self.container.process), runtime.commands(self.container.process)
        )
        self._record(health.record(self.state, self.check, result, ended, early_ok=believed))
        return early.ran(plan, began, ended)

    async def _probe(self, *, early_one: bool = False) -> health.ProbeResult:
        if self.asker:
            result = await self.asker.ask(self.check, early=early_one)
        else:
            argv = self.host.runtime.exec_argv(self.container.id, self.container.runtime, self.check.command)
            result = await probe(argv, self.check, early=early_one)
        log.debug("container/%s %s probe: %s %s", self.container.name, "early" if early_one else "regular", result.code, result.output)
        return result

    def _record(self, state: health.HealthState) -> None:
        self.state = state
        self.tell(state.status)
