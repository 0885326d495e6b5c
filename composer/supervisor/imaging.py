"""The verbs that only concern images: `build`, `pull`, `push`. They hold the project's lock all the same: a supervisor with nothing
to look after would leave in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from composer import graph
from composer.engine.container import Containers
from composer.engine.execute import execute
from composer.engine.observe import observe
from composer.engine.perform import Performer
from composer.engine.scene import Scene
from composer.host import Access
from composer.model.project import Project
from composer.model.service import Service
from composer.observed import Observed
from composer.plan.images import image_steps, pull_steps, push_steps
from composer.plan.options import PullOptions, PushOptions, UpOptions
from composer.plan.steps import Plan

Args = dict[str, Any]
Plans = list[Callable[[Observed], Plan]]
PlansOf = Callable[[Project, Args], Plans]


@dataclass(frozen=True, slots=True)
class Imaging:
    scene: Scene
    containers: Containers
    keep_contents: Callable[[dict[str, str]], None]
    leave_if_empty: Callable[[], None]

    def table(self) -> dict[str, Callable[[Args], Awaitable[Any]]]:
        return {"build": self.build, "pull": self.pull, "push": self.push}

    async def build(self, args: Args) -> dict[str, Any]:
        """Build the images of the services named (none: of all that can be built); `push`: and push them; `contents`: values of secrets."""
        self.keep_contents(args.get("contents", {}))
        return await self._follow(args, build_plans)

    async def pull(self, args: Args) -> dict[str, Any]:
        """`project`, `options` (PullOptions)."""
        return await self._follow(args, pull_plans)

    async def push(self, args: Args) -> dict[str, Any]:
        """`project`, `options` (PushOptions)."""
        return await self._follow(args, push_plans)

    async def _follow(self, args: Args, plans_of: PlansOf) -> dict[str, Any]:
        """One plan after the other; the next one is not begun when a step of the last one failed."""
        project, allowed, steps = Project.model_validate(args["project"]), access(args), 0
        async with self.scene.plans:
            try:
                for plan_of in plans_of(project, args):
                    plan = plan_of(await asyncio.to_thread(observe, self.scene.places, self.scene.host, project, self.scene.records.all()))
                    await execute(plan, Performer(self.scene, self.containers, allowed), self.scene.tell)
                    steps += len(plan.steps)
            finally:
                self.leave_if_empty()
        return {"steps": steps}


def build_plans(project: Project, args: Args) -> Plans:
    options = UpOptions(**_tuples(args["options"]))
    chosen = [one for one in _chosen(project, options.services, dependencies=False) if one.build]
    plans: Plans = [lambda observed: image_steps(chosen, observed, options, project)]
    return [*plans, lambda _observed: push_steps(chosen, PushOptions())] if args.get("push") else plans


def pull_plans(project: Project, args: Args) -> Plans:
    options = PullOptions(**_tuples(args["options"]))
    chosen = _chosen(project, options.services, dependencies=options.dependencies)
    return [lambda observed: pull_steps(chosen, observed, options)]


def push_plans(project: Project, args: Args) -> Plans:
    options = PushOptions(**_tuples(args["options"]))
    chosen = _chosen(project, options.services, dependencies=options.dependencies)
    return [lambda _observed: push_steps(chosen, options)]


def access(args: Args) -> Access:
    """What the caller of a request may at registries."""
    return Access(**args.get("access", {}))


def _chosen(project: Project, names: tuple[str, ...], *, dependencies: bool) -> list[Service]:
    """The services named, all when none is, in the order of the graph."""
    wanted = graph.needs(project, names) if dependencies else frozenset(names)
    return [project.services[name] for name in graph.order(project) if not names or name in wanted]


def _tuples(value: Args) -> Args:
    return {**value, "services": tuple(value.get("services", ()))}
