"""The verb `watch`: as long as a client is connected, files that change become plans, one batch after the other.

A batch is rebuilt, synced, restarted and executed under the lock of all plans. What a supervisor that is killed was in the middle of is
in the watcher's hands still, and comes again when the client asks the next one.
"""

from __future__ import annotations

import asyncio
import json
import os.path
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from composer.engine.observe import observe, proven
from composer.engine.scene import Scene
from composer.errors import ComposerError, HostError, UsageError
from composer.events import Event
from composer.host import Access
from composer.model.project import Project
from composer.observed import Observed
from composer.plan.actions import AwaitService, RemoveImage, RunInside, SyncFiles
from composer.plan.images import image_steps
from composer.plan.options import UpOptions
from composer.plan.reactions import Reaction, reactions
from composer.plan.reload import Touch, cause, followers, rebuilt, reload
from composer.plan.steps import Plan, Step
from composer.store import Stamp, stamp
from composer.supervisor.holdings import Holdings
from composer.supervisor.imaging import access
from composer.supervisor.protocol import APPLIED
from composer.supervisor.watch.feed import KEY, Feed, Gone
from composer.supervisor.watch.rules import PROJECT, project_sources, sources

Args = dict[str, Any]
Do = Callable[[Plan, Access], Awaitable[Any]]

#: Seconds in which a client that lost its supervisor is back; then what the guard kept for it is given up.
RETURN = 10.0
#: Seconds in which a client that has left is put away.
PARTING = 1.0
#: Seconds without another change after one of the project's own files.
CALM = 0.15
#: More paths at once than this are told with a hint.
MANY = 1000
#: A watcher that ends this often within so many seconds is not started again.
LOST, WITHIN = 5, 60.0


@dataclass(slots=True)
class Reloading:
    scene: Scene
    holdings: Holdings
    leaving: asyncio.Event
    up: Callable[[Args], Awaitable[Any]]
    converge: Callable[[Project, UpOptions, Access], Awaitable[Any]]
    execute: Do
    do: Do  # with all that a container needs to start
    leave_if_empty: Callable[[], None]
    client: asyncio.Lock = field(default_factory=asyncio.Lock)  # one at a time

    def table(self) -> dict[str, Callable[[Args], Awaitable[Any]]]:
        return {"watch": self.watch}

    def expect(self) -> None:
        """A new supervisor: the client of the one before us may come back, or not."""
        if self.holdings.sockets(KEY):
            asyncio.get_running_loop().call_later(RETURN, self._give_up)

    def _give_up(self) -> None:
        if not self.client.locked() and KEY in self.holdings.held:
            self.holdings.drop(KEY)

    async def watch(self, args: Args) -> dict[str, Any]:
        """`project`, `services` (none: all), `prune`, `polling` (seconds, 0 for none), `access`; `files`: what the project is made of, and
        what that looked like when it was read; `apply`: arguments of an `up` that comes first; `resume`: the client was with a supervisor
        before; `again`: it has heard the warnings. Until the client is gone, or the project. Result: whether one of `files` has `changed`;
        then the client reads them and comes back."""
        project = Project.model_validate(args["project"])
        chosen, warnings = reactions(project, args["services"])
        if not chosen and not args["files"]:
            raise UsageError("none of the services has anything to watch", hint="give one of them a `develop.watch` section")
        files = args["files"]
        watch = Watch(self, project, chosen, access(args), prune=args["prune"], polling=args["polling"], files=files, apply=args["apply"])
        async with self._alone():
            for warning in warnings if not args["again"] else ():
                self.tell("project", "warning", warning)
            return {"changed": await self._until_gone(watch, resume=args["resume"])}

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """One client at a time; one that has just left may not be put away yet."""
        try:
            async with asyncio.timeout(PARTING):
                await self.client.acquire()
        except TimeoutError as taken:
            raise UsageError("another command watches this project already", hint="stop that one first") from taken
        self.scene.watched = True
        try:
            yield
        finally:
            self.scene.watched = False
            self.client.release()
            self.scene.changes.ring()
            if not self.scene.plans.locked():
                self.leave_if_empty()

    async def _until_gone(self, watch: Watch, *, resume: bool) -> bool:
        """Whether the project's files have changed."""
        work, gone = asyncio.create_task(watch.run(resume=resume)), asyncio.create_task(self.leaving.wait())
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (work, gone):
                task.cancel()
            with suppress(asyncio.CancelledError):
                await work
            await asyncio.gather(gone, return_exceptions=True)
        return not work.cancelled() and work.result()

    async def observe(self, project: Project) -> Observed:
        return await asyncio.to_thread(observe, self.scene.places, self.scene.host, project, self.scene.records.all())

    def containers(self) -> Observed:
        """A reading of the containers alone: nothing is asked of the machine but whether their processes live."""
        return Observed(containers=tuple(proven(one, self.scene.host) for one in self.scene.records.all()))

    def tell(self, subject: str, action: str, detail: str = "") -> None:
        self.scene.tell(Event(time.time(), subject, action, detail, subject.removeprefix("service/") if "/" in subject else ""))


@dataclass(slots=True)
class Watch:
    """One client's watching. A source's id is its reaction's place in the list."""

    parent: Reloading
    project: Project
    reactions: tuple[Reaction, ...]
    access: Access
    prune: bool
    polling: float
    files: dict[str, Stamp]
    apply: Args | None
    renewed: bool = False  # containers may have been made anew
    waiting: asyncio.Task[None] | None = None
    lost: list[float] = field(default_factory=list)

    async def run(self, *, resume: bool) -> bool:
        """Batch after batch, until one changes the project itself (True). A watcher that is killed has a successor, which looks at
        everything that can be synced; so does one that meets containers which may have been made anew."""
        while True:
            feed = await Feed.open(self.parent.holdings, self._digest(), adopt=resume or self.apply is None)
            try:
                if not feed.adopted:
                    await self._begin(feed, everything=resume or self.apply is not None)
                await self._apply()
                if not feed.adopted and self._announce_project(path for path, then in self.files.items() if stamp(path) != then):
                    return True
                await self._follow(feed, differing=resume and not feed.adopted, again=feed.adopted)
                await feed.leave()
                self.parent.expect()
                return True
            except Gone:
                resume = True
                self._count_loss()
            finally:
                if self.waiting:
                    self.waiting.cancel()
                await asyncio.shield(feed.close())

    def _count_loss(self) -> None:
        """HostError when no watcher lives long."""
        now = time.monotonic()
        self.lost = [*(one for one in self.lost if now - one < WITHIN), now]
        if len(self.lost) >= LOST:
            raise HostError("the process that watches files ends again and again", hint="composer watch again; is there enough memory?")

    async def _apply(self) -> None:
        """What is saved meanwhile is in the watcher's hands."""
        asked, self.apply = self.apply, None
        self.renewed = asked is not None
        if asked:
            try:
                await self.parent.up({**asked, "show": True})
            except ComposerError as error:
                self.parent.tell("project", "error", "\n".join(error.lines()))
            self.parent.tell(*APPLIED)

    def _digest(self) -> str:
        """Of what a watcher is told: one that was told the same can be taken over."""
        said = [(one.service, one.rule.model_dump(mode="json"), one.syncs) for one in self.reactions]
        return sha256(json.dumps([said, sorted(self.files), self.polling]).encode()).hexdigest()

    async def _begin(self, feed: Feed, *, everything: bool) -> None:
        wanted = [*sources(self.project, self.reactions, everything=everything), *project_sources(self.files)]
        for warning in await feed.begin(wanted, polling=self.polling):
            self.parent.tell("project", "warning", warning)
        if self.apply:
            return
        whose = [*dict.fromkeys(reaction.service for reaction in self.reactions), *(["the project itself"] if self.files else [])]
        self.parent.tell("project", "watching", f"files of {', '.join(whose)}")

    async def _follow(self, feed: Feed, *, differing: bool, again: bool) -> None:
        """Until files of the project have changed, and what came along (a checkout of another branch) has been dealt with."""
        initial, changed = not differing and feed.initial, False
        while True:
            try:
                async with asyncio.timeout(CALM if changed else None):
                    changes = await feed.take(again=again)
            except TimeoutError:
                return
            changed = self._announce_project(one.removeprefix(PROJECT) for one in changes if one.startswith(PROJECT)) or changed
            touched = [(int(source), paths) for source, paths in changes.items() if not source.startswith(PROJECT)]
            touches = [self._touch(number, paths, differing, initial=initial) for number, paths in touched]
            if not (initial and self.renewed):
                self._announce_all(touches)
            again = await self._react_in_time(feed, touches)
            differing = initial = False

    def _announce_project(self, paths: Iterable[str]) -> bool:
        """Whether there are any."""
        changed = ", ".join(sorted(os.path.relpath(path, self.project.working_dir) for path in paths))
        if changed:
            self.parent.tell("project", "changed", changed)
        return bool(changed)

    def _touch(self, number: int, paths: list[str], differing: bool, *, initial: bool) -> Touch:
        """What `initial_sync` brings along is no change, nor what containers that were made anew lack: nothing is restarted for it."""
        reaction = self.reactions[number]
        if initial and reaction.rule.action.startswith("sync") and (reaction.rule.initial_sync or self.renewed):
            reaction, differing = replace(reaction, rule=reaction.rule.model_copy(update={"action": "sync"})), True
        return Touch(reaction, tuple(paths), differing)

    async def _react_in_time(self, feed: Feed, touches: list[Touch]) -> bool:
        """Whether it has to be done again: a service that is waited for may be waiting for the very file that is saved now."""
        scene = self.parent.scene
        work, more = asyncio.create_task(self._react(touches)), asyncio.create_task(feed.more())
        try:
            await asyncio.wait({work, more}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                scene.hurried = True
                scene.changes.ring()
            await work
            return scene.given_up
        finally:
            scene.hurried = scene.given_up = False
            for task in (work, more):
                task.cancel()
            await asyncio.gather(work, more, return_exceptions=True)

    async def _react(self, touches: list[Touch]) -> None:
        """What fails is told, and changes nothing else: the next change of the file is the next chance."""
        if not touches:
            return
        if self.waiting:
            self.waiting.cancel()
        async with self.parent.scene.plans:
            try:
                fresh = rebuilt(touches)
                if fresh:
                    await self._rebuild(fresh)
                plan = reload(self.parent.containers(), touches, fresh=fresh)
                only_inside = all(isinstance(action, SyncFiles | RunInside) for action in plan.actions())
                await (self.parent.execute if only_inside else self.parent.do)(plan, self.access)
            except ComposerError as error:
                self.parent.tell("project", "error", error.message)
                return
        replaced = dict.fromkeys([*fresh, *(touch.reaction.service for touch in touches if touch.reaction.restarts)])
        self.waiting = asyncio.create_task(self._tell_when_ready(list(replaced))) if replaced else None

    async def _tell_when_ready(self, services: list[str]) -> None:
        """Beside whatever comes next, which need not wait for it: the file that is saved next may be the one that mends it."""
        plan = Plan(tuple(Step(AwaitService(name, "ready"), "it was started anew") for name in services))
        with suppress(ComposerError):  # the step has told it
            await self.parent.execute(plan, self.access)

    def _announce_all(self, touches: list[Touch]) -> None:
        for service in dict.fromkeys(touch.reaction.service for touch in touches):
            self._announce(service, [touch for touch in touches if touch.reaction.service == service])

    def _announce(self, service: str, touches: list[Touch]) -> None:
        many = sum(len(touch.paths) for touch in touches)
        hint = "; `ignore` what the container does not need" if many > MANY else ""
        self.parent.tell(f"service/{service}", "changed", f"{cause(touches).removesuffix(' changed')}{hint}")

    async def _rebuild(self, services: tuple[str, ...]) -> None:
        """Build, then replace what has another image now, with what restarts along; dependents wait for its health as with `up`."""
        project, before = self.project, await self.parent.observe(self.project)
        images = image_steps([project.services[name] for name in services], before, UpOptions(build=True))
        await self.parent.do(images, self.access)
        along = followers(project, services, before)
        counts = {name: sum(one.service == name and not one.oneoff for one in before.containers) for name in (*services, *along)}
        scale = {name: count for name, count in counts.items() if count}
        options = UpOptions((*services, *along), dependencies=False, no_build=True, pull="never", scale=scale)
        await self.parent.converge(project, options, self.access)
        if self.prune:
            await self._prune(before, services)

    async def _prune(self, before: Observed, services: tuple[str, ...]) -> None:
        """Images that lost their name to their successors."""
        images = {before.images.get(self.project.services[name].image) for name in services}
        for id_ in filter(None, images):
            image = self.parent.scene.host.images.find(id_)
            if image and not image.names:
                with suppress(ComposerError):  # somebody uses it
                    await self.parent.do(Plan((Step(RemoveImage(id_), "it has a successor"),)), self.access)
