"""Looks after containers while they run: their names, their health, their restart policy, the way in from `::1`."""

from __future__ import annotations

import asyncio
import logging
import os
import shlex
import textwrap
import time
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field

from composer.engine.container import Containers
from composer.engine.execute import execute
from composer.engine.hooks import post_start
from composer.engine.perform import Performer
from composer.engine.scene import Scene
from composer.errors import ComposerError, StorageError
from composer.model.service import Service
from composer.observed import Container
from composer.plan.actions import StartContainer, StopContainer
from composer.plan.steps import Plan, Step
from composer.supervisor import early, health, restart
from composer.supervisor.checkup import Checkup
from composer.supervisor.joining import await_owners, rejoin
from composer.supervisor.logs import read
from composer.supervisor.mishaps import attend
from composer.supervisor.rotation import Rotation
from composer.supervisor.settling import Settling
from composer.supervisor.ways_in import WaysIn
from composer.supervisor.zone import Zone

log = logging.getLogger("composer")

LOG_LINES = 10
#: The `error` of a container that was stopped because it was unhealthy.
UNHEALTHY = "unhealthy"
#: The id of the container that the present task, or the one that began it, starts by its policy.
_restarting: ContextVar[str] = ContextVar("restarting", default="")


@dataclass(slots=True)
class Kept:
    """What is known of one container while the supervisor lives."""

    service: Service
    check: health.Check | None
    exposed: tuple[str, ...]
    policy: restart.Policy
    history: restart.History
    checkup: Checkup | None = None
    task: asyncio.Task[None] | None = None
    again: asyncio.Task[None] | None = None
    attending: asyncio.Task[None] | None = None
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
    looked_at: set[str] = field(default_factory=set)  # whose listeners are looked for

    def attach(self, scene: Scene, containers: Containers) -> None:
        """Engine and keeper need each other; the supervisor introduces them."""
        self.scene, self.containers = scene, containers

    # -- what the engine tells us

    def starting(self, container: Container) -> None:
        kept = self._keep(container)
        if _restarting.get() != container.id:  # started by the user: the policy begins anew
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
        kept.attending = self._spawn(attend(self.scene, container))
        self._spawn(rejoin(self.scene, self.containers, lambda one: self._keep(one).service, container))
        self._spawn(self.ways_in.forward(container))
        if kept.check:
            self._check_up(container, kept, health.begin(kept.check, time.time()))

    def adopted(self, container: Container) -> None:
        """A container that ran while there was no supervisor."""
        kept = self._keep(container)
        self._name(container, kept.service)
        self.rotation.follow(self.scene.places.container(container.id), kept.service.logging)
        kept.attending = self._spawn(attend(self.scene, container))
        self._spawn(self.ways_in.forward(container))
        if container.status == "running":
            self.unpaused(container)
        if container.hooks_due:
            self._spawn(self._go_on_with_hooks(container, kept.service))

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
            self._check_up(container, kept, health.resume(kept.check, container.health or "starting", container.started_at, time.time()))

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
        self.rotation.ended(container.id)
        kept = self._keep(container)
        for task in filter(None, (kept.task, kept.attending)):
            task.cancel()
        if container.oneoff:
            return
        verdict = self._decide(container, kept)
        if isinstance(verdict, restart.Stay):
            kept.settled = True
            self._expect(container, 0)
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

    def test(self, container: Container) -> str:
        kept = self.kept.get(container.id)
        if kept is None or kept.check is None:
            return ""
        check, ready = kept.check, kept.check.ready
        if ready:
            test, ports = "x-composer.ready", early.awaited_ports(ready.endpoint) if ready.endpoint else frozenset()
        else:
            test, ports = f"test `{textwrap.shorten(shlex.join(check.test[1:]), 60)}`", early.declared_ports(kept.service, kept.exposed)
        return early.explained(test, check.interval, ports, eager=kept.service.eager)

    async def settle(self, containers: Sequence[Container]) -> None:
        await Settling(self.scene, frozenset(one.name for one in containers), {}).settle()

    def report(self, container: Container) -> list[str]:
        kept = self.kept.get(container.id)
        lines = []
        if kept and kept.checkup and kept.checkup.state.results:
            last = kept.checkup.state.results[-1]
            what = "" if kept.service.ready else f" exited with {last.code}"
            lines += [f"last health probe{what}: {last.output or '(no output)'}"]
        said = [line.text for line in read(self.scene.places.container(container.id).log, tail=LOG_LINES)]
        return [*lines, "last lines of its log:", *(f"  {line}" for line in said)] if said else [*lines, "it wrote no log"]

    def forget(self, id_: str) -> None:
        """The container is removed."""
        self.zone.remove(id_)
        self.rotation.forget(id_)
        kept = self.kept.pop(id_, None)
        for task in (kept.task, kept.again, kept.attending) if kept else ():
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
        ran_for = container.finished_at - container.started_at
        end = restart.End(code, ran_for, container.stop_asked, unhealthy=container.error == UNHEALTHY)
        return restart.decide(kept.policy, kept.history, end)

    async def _again(self, container: Container, delay: float) -> None:
        """Start it after its delay; a start that fails is an end at once, which the policy may try again."""
        kept = self._keep(container)
        _restarting.set(container.id)
        try:
            while await self._is_due(container, kept, delay):
                try:
                    return await self._restart(container, kept)
                except ComposerError as error:
                    log.warning("%s: %s", container.name, error.message)
                verdict = restart.decide(kept.policy, kept.history, restart.End(None, 0.0, unhealthy=container.error == UNHEALTHY))
                if isinstance(verdict, restart.Stay):
                    kept.settled = True
                    return
                kept.history, delay = verdict.history, verdict.delay
        finally:
            if kept.again is asyncio.current_task():  # it may have ended, and another attempt be planned, by now
                kept.again = None
                self._expect(container, 0)
            self.scene.changes.ring()

    def _expect(self, container: Container, at: float) -> None:
        """Say in its record when it comes back, 0 for not at all; a disk that is full keeps nobody from coming back."""
        if self.scene.records.get(container.id):
            try:
                self.scene.records.change(container.id, restart_at=at)
            except (ComposerError, OSError) as refused:
                log.warning("%s: when it is restarted cannot be recorded: %s", container.name, refused)

    async def _is_due(self, container: Container, kept: Kept, delay: float) -> bool:
        """After the delay: whether it is still as its policy found it."""
        self.scene.say(container, "restarting", f"by its restart policy, in {delay:g} s")
        self._expect(container, time.time() + delay)
        await asyncio.sleep(delay)
        await await_owners(self.scene, kept.service)
        now = self.scene.records.get(container.id)
        if container.endpoints and not self.scene.host.network.sandbox_exists():
            kept.settled = True  # the machine went down meanwhile: `resume` or `up` make its networks anew
            return False
        return now is not None and now.status == "exited" and not now.stop_asked

    async def _restart(self, container: Container, kept: Kept) -> None:
        now = self.scene.records.change(container.id, restarts=kept.history.restarts)
        again = StartContainer(container.name, by_policy=True)
        await self._do(Step(again, f"exited ({now.error or now.exit_code}), {_rule(kept)}"))

    async def _finish(self, container: Container) -> None:
        with suppress(ComposerError):  # told as an event
            await self._do(Step(StartContainer(container.name, by_policy=not container.hooks_due), "left half-started"))

    async def _go_on_with_hooks(self, container: Container, service: Service) -> None:
        """A former supervisor was killed amid them."""
        try:
            await post_start(self.scene, container, service.post_start)
        except ComposerError as failed:
            self.scene.say(container, "error", failed.message)

    async def _renew(self, container: Container) -> None:
        """Stop who is unhealthy; the policy has the word then."""
        with suppress(ComposerError):
            self.scene.records.change(container.id, error=UNHEALTHY)
            await self._do(Step(StopContainer(container.name, final=False), "unhealthy"))

    async def _do(self, *steps: Step) -> None:
        """A plan of our own, beside those that are asked for: under the containers' own locks (docs/decisions/0009)."""
        await execute(Plan(steps), Performer(self.scene, self.containers), self.scene.tell)

    # -- health

    def _check_up(self, container: Container, kept: Kept, state: health.HealthState) -> None:
        """Look after its health from `state` on."""
        assert kept.check is not None
        place = self.scene.places.container(container.id)
        kept.checkup = Checkup(
            self.scene.host, container, place, kept.service, kept.check, kept.exposed, state, self.early_slots, self.looked_at,
            lambda status: self._set_health(container, status),
        )
        self._set_health(container, state.status)
        kept.task = self._spawn(kept.checkup.run())

    def _set_health(self, container: Container, status: health.Status) -> None:
        record = self.scene.records.get(container.id)
        if record and record.status == "running" and record.health != status:
            try:
                self.scene.records.change(container.id, health=status)
            except (StorageError, OSError) as refused:  # the next probe tries again
                log.warning("%s: its health cannot be recorded: %s", container.name, refused)
                return
            self.scene.say(container, status)
            if status == "unhealthy" and self._keep(container).service.restart_on_unhealthy:
                self._spawn(self._renew(record))

    # -- parts

    def _name(self, container: Container, service: Service) -> None:
        if container.endpoints:
            links = {link.alias: link.service for link in (*service.external_links, *service.links)}
            self.zone.add(container, self.scene.records.networks, links=links, servers=service.dns)

    def _keep(self, container: Container) -> Kept:
        kept = self.kept.get(container.id)
        if kept is None:
            service = self.containers.blueprint(container.id).service
            image = self.scene.host.images.find(container.image_id)
            config = image.config if image else None
            check = health.resolve(service.healthcheck, config.healthcheck if config else None, service.ready)
            rules = restart.policy(service.restart, service.deploy.restart_policy)
            kept = Kept(service, check, config.exposed_ports if config else (), rules, restart.History.of(container.restarts))
            self.kept[container.id] = kept
        return kept

    def _spawn(self, work: Awaitable[None]) -> asyncio.Task[None]:
        async def guarded() -> None:
            try:
                await work
            except Exception:
                log.exception("the supervisor goes on without one of its tasks")

        task = asyncio.get_running_loop().create_task(guarded())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task


def _rule(kept: Kept) -> str:
    """Why it is started again, in the words of the file."""
    service = kept.service
    if service.deploy.restart_policy is not None:
        return f"deploy.restart_policy: {service.deploy.restart_policy.condition}"
    return f"restart: {service.restart}"
