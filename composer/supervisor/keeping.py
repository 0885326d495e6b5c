"""Looks after containers while they run: their names, their health, their restart policy, the way in from `::1`."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field

from composer.engine.container import Containers
from composer.engine.scene import Scene
from composer.errors import ComposerError
from composer.events import Event
from composer.model.service import Service
from composer.observed import Container
from composer.supervisor import early, health, restart
from composer.supervisor.joining import await_owners, rejoin
from composer.supervisor.logs import read
from composer.supervisor.probe import probe
from composer.supervisor.rotation import Rotation
from composer.supervisor.ways_in import WaysIn
from composer.supervisor.zone import Zone

LOG_LINES = 10


@dataclass(slots=True)
class Kept:
    """What is known of one container while the supervisor lives."""

    service: Service
    check: health.Check | None
    exposed: tuple[str, ...]
    policy: restart.Policy
    history: restart.History
    health: health.HealthState | None = None
    task: asyncio.Task[None] | None = None
    again: asyncio.Task[None] | None = None
    settled: bool = False  # has ended and stays so


@dataclass(slots=True)
class Keeping:
    """The engine's Keeper. Everything here happens in the event loop, `will_restart` also in worker threads (it only reads)."""

    zone: Zone
    ways_in: WaysIn
    scene: Scene = field(init=False)
    containers: Containers = field(init=False)
    kept: dict[str, Kept] = field(default_factory=dict)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    rotation: Rotation = field(default_factory=Rotation)
    early_slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(os.cpu_count() or 1))

    def attach(self, scene: Scene, containers: Containers) -> None:
        """Engine and keeper need each other; the supervisor introduces them."""
        self.scene, self.containers = scene, containers

    # -- what the engine tells us

    def starting(self, container: Container) -> None:
        kept = self._keep(container)
        if kept.again is None or kept.again is not asyncio.current_task():  # started by the user: the policy begins anew
            if kept.again:
                kept.again.cancel()
            kept.again = None
            kept.history = restart.History()
            self.scene.records.change(container.id, restarts=0)
        kept.settled = False
        self._name(container, kept.service)

    def started(self, container: Container) -> None:
        kept = self._keep(container)
        self.rotation.follow(self.scene.places.container(container.id), kept.service.logging)
        self._spawn(rejoin(self.scene, self.containers, lambda one: self._keep(one).service, container))
        self._spawn(self.ways_in.forward(container))
        if kept.check:
            kept.health = health.begin(kept.check, time.time())
            self._set_health(container, "starting")
            kept.task = self._spawn(self._watch_health(container, kept, kept.check))

    def adopted(self, container: Container) -> None:
        """A container that ran while there was no supervisor."""
        kept = self._keep(container)
        self._name(container, kept.service)
        self.rotation.follow(self.scene.places.container(container.id), kept.service.logging)
        self._spawn(self.ways_in.forward(container))
        if container.status == "running":
            self.unpaused(container)

    def unfinished(self, container: Container) -> None:
        """A container that was as good as started: its supervisor was killed between the record and the start."""
        self._spawn(self._finish(container))

    def paused(self, container: Container) -> None:
        kept = self._keep(container)
        if kept.task:
            kept.task.cancel()
            kept.task = None

    def unpaused(self, container: Container) -> None:
        """From what its health was, with a new streak."""
        kept = self._keep(container)
        if kept.check:
            kept.health = health.resume(kept.check, container.health or "starting", container.started_at, time.time())
            self._set_health(container, container.health or "starting")
            kept.task = self._spawn(self._watch_health(container, kept, kept.check))

    def missed(self, container: Container) -> None:
        """A container that ended, and was put away, before its restart was begun: the policy still has the word."""
        self.ended(container)

    async def sandbox_made(self) -> None:
        await self.ways_in.serve_names()

    async def sandbox_ends(self) -> None:
        await self.ways_in.stop_names()

    def ended(self, container: Container) -> None:
        """The zone and the health check end with the process; the restart policy has the word."""
        self.zone.remove(container.id)
        self.rotation.forget(container.id)
        kept = self._keep(container)
        if kept.task:
            kept.task.cancel()
        if container.oneoff:
            return
        verdict = self._decide(container, kept)
        if isinstance(verdict, restart.Stay):
            kept.settled = True
            if verdict.reason:
                self.scene.say(container, "warning", verdict.reason)
            return
        kept.history = verdict.history
        kept.again = self._spawn(self._again(container, verdict.delay))

    def will_restart(self, container: Container) -> bool:
        kept = self.kept.get(container.id)
        if kept is None or container.oneoff or container.stop_asked or kept.settled:
            return False
        return kept.again is not None or isinstance(self._decide(container, kept), restart.Again)

    def checked(self, container: Container) -> bool:
        kept = self.kept.get(container.id)
        return bool(kept and kept.check)

    def report(self, container: Container) -> list[str]:
        kept = self.kept.get(container.id)
        lines = []
        if kept and kept.health and kept.health.results:
            last = kept.health.results[-1]
            lines += [f"last health probe exited with {last.code}: {last.output or '(no output)'}"]
        said = [line.text for line in read(self.scene.places.container(container.id).log, tail=LOG_LINES)]
        return [*lines, "last lines of its log:", *(f"  {line}" for line in said)] if said else [*lines, "it wrote no log"]

    def forget(self, id_: str) -> None:
        """The container is removed."""
        self.zone.remove(id_)
        self.rotation.forget(id_)
        kept = self.kept.pop(id_, None)
        for task in (kept.task, kept.again) if kept else ():
            if task:
                task.cancel()

    async def close(self) -> None:
        self.rotation.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    # -- restart policy

    def _decide(self, container: Container, kept: Kept) -> restart.Again | restart.Stay:
        code = None if container.error else container.exit_code
        end = restart.End(code, container.finished_at - container.started_at, container.stop_asked)
        return restart.decide(kept.policy, kept.history, end)

    async def _again(self, container: Container, delay: float) -> None:
        self.scene.say(container, "restarting", f"by its restart policy, in {delay:g} s")
        await asyncio.sleep(delay)
        await await_owners(self.scene, self._keep(container).service)
        now = self.scene.records.get(container.id)
        if now is None or now.status != "exited" or now.stop_asked:
            return
        if container.endpoints and not self.scene.host.network.sandbox_exists():
            self._keep(container).settled = True  # the machine went down meanwhile: `up` makes its networks anew
            return
        self.scene.records.change(container.id, restarts=now.restarts + 1)
        try:
            await self.containers.start(container.name)
            self.scene.say(container, "restarted")
        except ComposerError as error:
            self._tell(container, error)
            self._keep(container).settled = True
        finally:
            kept = self._keep(container)
            if kept.again is asyncio.current_task():  # it may have ended, and another attempt be planned, by now
                kept.again = None
            self.scene.changes.ring()

    async def _finish(self, container: Container) -> None:
        try:
            await self.containers.start(container.name)
        except ComposerError as error:
            self._tell(container, error)

    def _tell(self, container: Container, error: ComposerError) -> None:
        self.scene.tell(Event(time.time(), f"container/{container.name}", "error", error.message, container.service))

    # -- health

    async def _watch_health(self, container: Container, kept: Kept, check: health.Check) -> None:
        """Regular ticks are Docker's; before the first success, early ones come when the kernel shows a listener."""
        ports = early.declared_ports(kept.service, kept.exposed)
        plan = early.begin(ports, time.time()) if kept.service.eager and kept.health and not kept.health.results else None
        while kept.health:
            if plan and kept.health.status == "starting":
                plan = await self._early(container, kept, check, plan)
                wake = min(kept.health.next_tick, early.next_look(plan, time.time()))
            else:
                wake = kept.health.next_tick
            await asyncio.sleep(max(0.0, wake - time.time()))
            if time.time() >= kept.health.next_tick:
                result = await self._probe(container, check)
                kept.health = health.record(kept.health, check, result, time.time())
                self._set_health(container, kept.health.status)

    async def _early(self, container: Container, kept: Kept, check: health.Check, plan: early.Early) -> early.Early:
        """Look, and probe if there is something to ask."""
        assert container.process is not None and kept.health is not None
        runtime = self.scene.host.runtime
        plan = early.look(plan, runtime.listening(container.process), runtime.executable(container.process), time.time())
        if not early.due(plan, time.time()) or self.early_slots.locked():
            return plan
        async with self.early_slots:
            began = time.time()
            result = await self._probe(container, check, early_one=True)
            ended = time.time()
        believed = early.believed(plan, runtime.executable(container.process), runtime.commands(container.process))
        kept.health = health.record(kept.health, check, result, ended, early_ok=believed)
        self._set_health(container, kept.health.status)
        return early.ran(plan, began, ended)

    async def _probe(self, container: Container, check: health.Check, *, early_one: bool = False) -> health.ProbeResult:
        argv = self.scene.host.runtime.exec_argv(container.id, container.runtime, check.command)
        return await probe(argv, check, early=early_one)

    def _set_health(self, container: Container, status: health.Status) -> None:
        record = self.scene.records.get(container.id)
        if record and record.status == "running" and record.health != status:
            self.scene.records.change(container.id, health=status)
            self.scene.say(container, status)

    # -- parts

    def _name(self, container: Container, service: Service) -> None:
        if container.endpoints:
            links = {link.alias: link.service for link in service.links}
            self.zone.add(container, self.scene.records.networks, links=links, servers=service.dns)

    def _keep(self, container: Container) -> Kept:
        kept = self.kept.get(container.id)
        if kept is None:
            service = self.containers.blueprint(container.id).service
            image = self.scene.host.images.find(container.image_id)
            config = image.config if image else None
            check = health.resolve(service.healthcheck, config.healthcheck if config else None)
            rules = restart.policy(service.restart, service.deploy.restart_policy)
            kept = Kept(service, check, config.exposed_ports if config else (), rules, restart.History.of(container.restarts))
            self.kept[container.id] = kept
        return kept

    def _spawn(self, work: Awaitable[None]) -> asyncio.Task[None]:
        async def guarded() -> None:
            await work

        task = asyncio.get_running_loop().create_task(guarded())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task
