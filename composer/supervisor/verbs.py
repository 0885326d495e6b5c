"""What the supervisor can be asked to do. Each verb takes the arguments of its request and returns the result; what happens
on the way is told as events."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from signal import SIGINT, SIGTERM
from typing import Any

from pydantic import ValidationError

import composer
from composer.engine import sharing
from composer.engine.container import DEFAULT_GRACE, Containers
from composer.engine.execute import execute
from composer.engine.lives import Lives
from composer.engine.observe import observe
from composer.engine.perform import Performer
from composer.engine.providers import provided
from composer.engine.scene import Scene
from composer.engine.timing import Times, Timing
from composer.engine.validate import validate
from composer.errors import ComposerError, DependencyError, UsageError
from composer.events import Event
from composer.host import NO_ACCESS, Access
from composer.model.blueprint import Blueprint
from composer.model.project import Project
from composer.observed import Observed
from composer.plan import providers, teardown
from composer.plan.actions import RemoveContainer, StartContainer
from composer.plan.images import image_steps
from composer.plan.oneoff import oneoff
from composer.plan.options import DownOptions, UpOptions
from composer.plan.prepared import prepared
from composer.plan.reconcile import reconcile, selected
from composer.plan.steps import Plan, Step
from composer.store import make_private, read_json, remove_tree, write_bytes, write_json
from composer.supervisor.ends import Ends
from composer.supervisor.holdings import Holdings
from composer.supervisor.imaging import Imaging, access
from composer.supervisor.settling import Settling
from composer.supervisor.tending import Tending
from composer.supervisor.watch.reloading import PARTING, Reloading

Args = dict[str, Any]


@dataclass(slots=True)
class Verbs:
    scene: Scene
    lives: Lives
    containers: Containers
    leaving: asyncio.Event  # the project is gone: the supervisor goes as well
    holdings: Holdings
    reloading: Reloading = field(init=False)

    def __post_init__(self) -> None:
        verbs = (self.up, self._converge, self._execute, self._do, self._leave_if_empty)
        self.reloading = Reloading(self.scene, self.holdings, self.leaving, *verbs)

    def table(self) -> dict[str, Callable[[Args], Awaitable[Any]]]:
        return {
            "hello": self.hello,
            "unwatched": self.unwatched,
            "up": self.up,
            "down": self.down,
            "stop": self.stop,
            "start": self.start,
            "restart": self.restart,
            "resume": self.resume,
            "create_oneoff": self.create_oneoff,
            "finish_oneoff": self.finish_oneoff,
            "signal": self.signal,
            **Imaging(self.scene, self.containers, self._keep_contents, self._leave_if_empty).table(),
            **Ends(self.scene, self.lives).table(),
            **Tending(self.scene, self.containers, self.leaving, self._do, self._leave_if_empty).table(),
            **self.reloading.table(),
        }

    async def hello(self, _args: Args) -> dict[str, Any]:
        """That we are here to stay, and who we are."""
        return {"version": composer.__version__}

    async def unwatched(self, _args: Args) -> dict[str, Any]:
        """Refused when another command watches the project; who has just left may not be put away yet."""
        try:
            async with asyncio.timeout(PARTING), self.reloading.client:
                return {}
        except TimeoutError as taken:
            raise UsageError("another command watches this project already", hint="stop that one first") from taken

    # -- the whole project

    async def up(self, args: Args) -> dict[str, Any]:
        """`project`, `contents` (values from the environment), `options`; `settle`: look for early deaths; `show`: tell the plan before
        it is followed. Result: the number of steps, a message for each container that died, and where the time went."""
        timing = Timing()
        project, options = Project.model_validate(args["project"]), _up_options(args["options"])
        restarts = {one.id: one.restarts for one in self.scene.records.all()}
        async with self.scene.plans:
            self._keep_contents(args.get("contents", {}))
            try:
                steps = await self._provide(project, options, args.get("environ", {}))
                more, started = await self._converge(project, options, access(args), timing, show=bool(args.get("show")))
            except ComposerError:
                await self._take_back(project)
                raise
            finally:
                self._leave_if_empty()
        died = await Settling(self.scene, started, restarts).deaths() if args.get("settle") else []
        timing.stage("settling")
        return {"steps": steps + more, "died": died, "timing": timing.told()}

    async def _provide(self, project: Project, options: UpOptions, environ: dict[str, str]) -> int:
        """Have other programs provide what they are to; the number of steps."""
        plan = providers.provide(project, selected(project, options)) if options.start else Plan()
        if plan:
            self._remember(project)  # `down` has to know of them, whatever comes
            await execute(plan, Performer(self.scene, self.containers, environ=environ), self.scene.tell)
        return len(plan.steps)

    async def _converge(
        self, whole: Project, options: UpOptions, allowed: Access, timing: Timing | None = None, *, show: bool = False
    ) -> tuple[int, frozenset[str]]:
        """The number of steps, and the names of the containers that were started."""
        timing = timing or Timing()
        project = providers.contained(whole, provided(self.scene))
        await asyncio.to_thread(self.scene.host.network.heal)
        observed = await self._observe(project)
        services = [project.services[name] for name in selected(project, options)]
        images = image_steps(services, observed, options, project)
        timing.stage("observing")
        if images:
            self._show(images, wanted=show)
            await self._execute(images, allowed)
            observed = await self._observe(project)
            timing.stage("images")
        plan = timing.plan = reconcile(project, observed, options)
        self._show(plan, wanted=show)
        timing.stage("planning")
        claimed = await validate(self.scene, self.containers, plan)
        self._remember(whole)
        timing.stage("checking")
        try:
            async with _in_time(options.wait_timeout):
                await self._execute(plan, times=timing.steps)
            timing.stage("executing")
        finally:
            self._settle(claimed)
        started = frozenset(step.action.name for step in plan.steps if isinstance(step.action, StartContainer))
        return len(images.steps) + len(plan.steps), started

    def _show(self, plan: Plan, *, wanted: bool) -> None:
        lines = str(plan).splitlines() or ["nothing to do"]
        for line in lines if wanted else ():
            self.scene.tell(Event(time.time(), "plan", "line", line))

    async def down(self, args: Args) -> dict[str, Any]:
        """`options`, `project` (name), `services` that the file names, `images` to remove."""
        options = DownOptions(**{**args["options"], "services": tuple(args["options"].get("services", ()))})
        timing = Timing()
        async with self.scene.plans:
            observed = await self._observe(None)
            plan = timing.plan = teardown.down(observed, options, args["project"], args["known"], args.get("images", ()))
            timing.stage("observing")
            await self._execute(plan, times=timing.steps)
            await self._withdraw(options.services, args.get("environ", {}))
            timing.stage("executing")
            if not self.scene.records.all():
                await asyncio.to_thread(self._clear_state)
                self.leaving.set()
            return {"steps": len(plan.steps), "timing": timing.told()}

    async def _withdraw(self, services: tuple[str, ...], environ: dict[str, str]) -> None:
        """What other programs provide for the project as it was brought up."""
        stored = read_json(self.scene.places.project_file)
        if stored and any(service.get("provider") for service in stored["services"].values()):
            project = _of_record(stored)
            plan = providers.withdraw(project, services or project.services)
            await execute(plan, Performer(self.scene, self.containers, environ=environ), self.scene.tell)

    # -- containers that are there

    async def stop(self, args: Args) -> dict[str, Any]:
        async with self.scene.plans:
            restarting = {one.name for one in self.scene.records.all() if self.scene.keeper.will_restart(one)}
            plan = teardown.stop(await self._observe(None), args["services"], args.get("timeout"), restarting=restarting)
            return await self._do(plan)

    async def start(self, args: Args) -> dict[str, Any]:
        """`services`; `wait`: until they are running or healthy, `wait_timeout` seconds at most."""
        async with self.scene.plans:
            plan = await self._prepared(teardown.start(await self._observe(None), args["services"], wait=args.get("wait", False)))
            async with _in_time(args.get("wait_timeout")):
                return await self._do(plan)

    async def restart(self, args: Args) -> dict[str, Any]:
        async with self.scene.plans:
            plan = teardown.restart(await self._observe(None), args["services"], args.get("timeout"), alone=args.get("alone", False))
            done = await self._do(await self._prepared(plan))
            for step in plan.steps:
                if isinstance(step.action, StartContainer):
                    self.scene.say(self.scene.records.named(step.action.name), "restarted")
            return done

    async def resume(self, args: Args) -> dict[str, Any]:
        """`names`: containers that an earlier boot of the kernel has left. Each by itself: a port that is taken now keeps no other away."""
        async with self.scene.plans:
            plan = await self._prepared(teardown.resume(await self._observe(None), args["names"]))
            await self._execute(plan)
            return {"steps": len(plan.steps)}

    # -- one-off containers of `run`

    async def create_oneoff(self, args: Args) -> dict[str, Any]:
        """`blueprint`, `name`, `project`: a container to attach to before it starts. Dependencies come first by `up`."""
        project, blueprint = Project.model_validate(args["project"]), Blueprint.model_validate(args["blueprint"])
        blueprint = providers.given(project, blueprint, provided(self.scene))
        async with self.scene.plans:
            self._keep_contents(args.get("contents", {}))
            options = _up_options(args["options"])
            await self._execute(image_steps([blueprint.service], await self._observe(project), options, project), access(args))
            observed, orphans = await self._observe(project), options.remove_orphans
            plan = oneoff(project, observed, blueprint, name=args["name"], stdin=args["stdin"], remove_orphans=orphans)
            await validate(self.scene, self.containers, plan)
            if not self.scene.places.project_file.exists():
                self._remember(project)
            await self._execute(plan)
            return {"id": self.scene.records.named(args["name"]).id}

    async def finish_oneoff(self, args: Args) -> dict[str, Any]:
        """Start it, wait for its end, remove it if asked to. Result: its exit code."""
        name = args["name"]
        try:
            await execute(Plan((Step(StartContainer(name), "asked for"),)), self._performer(), self.scene.tell)
        except ComposerError:
            await self._clean_up(args)
            raise
        if args.get("detach"):
            return {"exit_code": 0}
        container = self.scene.records.named(name)
        await self.lives.end(container.id)
        container = self.scene.records.get(container.id) or container
        await self._clean_up(args)
        return {"exit_code": container.exit_code, "oom_killed": container.oom_killed}

    async def _clean_up(self, args: Args) -> None:
        """Take a one-off container away if it was to be."""
        if args.get("remove"):
            await execute(Plan((Step(RemoveContainer(args["name"], True), "asked for"),)), self._performer(), lambda _event: None)
            self._leave_if_empty()

    async def signal(self, args: Args) -> dict[str, Any]:
        """Send a signal to PID 1 of a container, by name. One-off, it ends by SIGINT and SIGTERM also when it is deaf to them, as any
        other process would: who sent them waits for it."""
        container, number = self.scene.records.named(args["name"]), args["signal"]
        if container.process:
            self.scene.host.runtime.signal(container.process, number)
            deadline = time.monotonic() + DEFAULT_GRACE
            if container.oneoff and int(number) in (SIGINT, SIGTERM) and await self.containers.is_deaf(container, number, deadline):
                await self.containers.kill(container)
        return {}

    # -- parts

    async def _do(self, plan: Plan, allowed: Access = NO_ACCESS) -> dict[str, Any]:
        await asyncio.to_thread(self.scene.host.network.heal)
        claimed = await validate(self.scene, self.containers, plan)
        try:
            await self._execute(plan, allowed)
        finally:
            self._settle(claimed)
        return {"steps": len(plan.steps)}

    async def _execute(self, plan: Plan, allowed: Access = NO_ACCESS, times: Times | None = None) -> None:
        await execute(plan, Performer(self.scene, self.containers, allowed), self.scene.tell, times)

    def _performer(self) -> Performer:
        return Performer(self.scene, self.containers)

    async def _observe(self, project: Project | None) -> Observed:
        return await asyncio.to_thread(observe, self.scene.places, self.scene.host, project, self.scene.records.all())

    async def _prepared(self, plan: Plan) -> Plan:
        stored = read_json(self.scene.places.project_file)
        if not plan or not stored:
            return plan
        project = _of_record(stored)
        return prepared(plan, project, await self._observe(project))

    def _remember(self, project: Project) -> None:
        write_json(self.scene.places.project_file, project.model_dump(mode="json"))

    def _keep_contents(self, contents: dict[str, str]) -> None:
        """Values of secrets and configs from the caller's environment: on tmpfs only. Keys are KIND/KEY, values base64."""
        if contents:
            make_private(self.scene.places.contents)
        for key, value in contents.items():
            write_bytes(self.scene.places.contents / key.replace("/", "."), base64.b64decode(value))

    def _settle(self, claimed: list[str]) -> None:
        """Give back the ports that were claimed for containers which do not live now."""
        self.scene.ports.settle(claimed)
        living = {one.name for one in self.scene.records.all() if self.lives.follows(one.id) or self.scene.keeper.will_restart(one)}
        for name in set(claimed) - living:
            self.scene.ports.release(name)

    def _clear_state(self) -> None:
        """Nothing of the project is left but, perhaps, volumes."""
        places = self.scene.places
        with sharing.settled(places.top):
            for name in sharing.joined(places):
                if sharing.leave(places, name):
                    self.scene.host.network.disconnect(name)
        remove_tree(places.networks)
        remove_tree(places.containers)
        places.events.unlink(missing_ok=True)
        places.providers.unlink(missing_ok=True)
        places.project_file.unlink(missing_ok=True)
        if not any(places.volumes.glob("*")):
            remove_tree(places.state)

    async def _take_back(self, project: Project) -> None:
        """After an `up` that failed and has no container to show: networks of nobody are not left behind."""
        if self.scene.records.all():
            return
        with suppress(ComposerError):  # the first error is the one to tell
            plan = teardown.down(await self._observe(None), DownOptions(), project.name, (), ())
            await execute(plan, self._performer(), lambda _event: None)
            await asyncio.to_thread(self._clear_state)

    def _leave_if_empty(self) -> None:
        if not self.scene.records.all() and not self.scene.places.project_file.exists():
            remove_tree(self.scene.places.contents)
            self._clear_state()
            self.leaving.set()


@asynccontextmanager
async def _in_time(limit: float | None) -> AsyncIterator[None]:
    """`limit` in seconds, None for none."""
    try:
        async with asyncio.timeout(limit):
            yield
    except TimeoutError as late:
        raise DependencyError(f"not ready after {limit:g} s", hint="composer ps -a, composer logs") from late


def _of_record(stored: Args) -> Project:
    """As it was brought up."""
    try:
        return Project.model_validate(stored)
    except ValidationError as unknown:
        raise ComposerError("the project was brought up by another version of composer", hint="composer up, then this again") from unknown


def _up_options(value: Args) -> UpOptions:
    return UpOptions(**{**value, "services": tuple(value.get("services", ()))})
