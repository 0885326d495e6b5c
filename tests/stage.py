"""The engine on fake drivers: a project's folder in a temporary place, a keeper that remembers what it was told."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from composer.engine.container import Containers
from composer.engine.execute import execute
from composer.engine.lives import Lives
from composer.engine.observe import observe
from composer.engine.perform import Performer
from composer.engine.ports import Ports
from composer.engine.records import Records
from composer.engine.scene import Changes, Scene
from composer.engine.validate import validate
from composer.errors import ContainerError
from composer.events import Event
from composer.model.project import Project
from composer.observed import Container, Observed
from composer.plan import teardown
from composer.plan.options import DownOptions, UpOptions
from composer.plan.reconcile import reconcile
from composer.plan.steps import Plan
from composer.store import Places
from tests.fakes import FakeHost

HASH = "abcdefabcdef"


@dataclass
class FakeKeeper:
    """`restarting`: containers (by name) whose policy is about to start them again; `checks`: those with a health check."""

    told: list[str] = field(default_factory=list)
    restarting: set[str] = field(default_factory=set)
    checks: set[str] = field(default_factory=set)

    def starting(self, container: Container) -> None:
        self.told.append(f"starting {container.name}")

    def started(self, container: Container) -> None:
        self.told.append(f"started {container.name}")

    def ended(self, container: Container) -> None:
        self.told.append(f"ended {container.name}")

    def will_restart(self, container: Container) -> bool:
        return container.name in self.restarting

    def test(self, container: Container) -> str:
        return "test `true`, every 30 s" if self.checked(container) else ""

    def checked(self, container: Container) -> bool:
        return container.name in self.checks

    async def settle(self, containers: Sequence[Container]) -> None:
        self.told.append(f"settle {', '.join(one.name for one in containers)}")

    def forget(self, id_: str) -> None:
        self.told.append(f"forget {id_}")

    async def sandbox_made(self) -> None:
        self.told.append("sandbox made")

    async def sandbox_ends(self) -> None:
        self.told.append("sandbox ends")

    def paused(self, container: Container) -> None:
        self.told.append(f"paused {container.name}")

    def unpaused(self, container: Container) -> None:
        self.told.append(f"unpaused {container.name}")

    def report(self, container: Container) -> list[str]:
        return [f"last words of {container.name}"]


@dataclass
class Stage:
    """Everything between a plan and the drivers; to be used in the event loop that `perform` runs."""

    places: Places
    fake: FakeHost
    keeper: FakeKeeper = field(default_factory=FakeKeeper)
    events: list[Event] = field(default_factory=list)  # of plans
    listening: asyncio.Queue[Event] = field(init=False)  # what the scene tells
    scene: Scene = field(init=False)
    lives: Lives = field(init=False)
    containers: Containers = field(init=False)

    def open(self) -> None:
        """What the supervisor assembles when it starts; a former one is gone, and hears of no end any more."""
        if hasattr(self, "lives"):
            self.lives._begin_end = lambda _id: None  # type: ignore[method-assign]
        loop = asyncio.get_running_loop()
        places, changes = self.places.project(HASH), Changes(loop)
        records = Records(places, changes.ring)
        self.scene = Scene(places, self.fake.host, records, Ports(self.fake.network), changes, self.keeper, loop)
        self.listening = asyncio.Queue()
        self.scene.listeners.append(self.listening)
        self.lives = Lives(self.scene)
        self.containers = Containers(self.scene, self.lives, find_runtime)

    async def execute(self, plan: Plan) -> None:
        await execute(plan, Performer(self.scene, self.containers), self.events.append)

    def observe(self, project: Project | None) -> Observed:
        return observe(self.scene.places, self.fake.host, project, self.scene.records.all())

    async def up(self, project: Project, **options: Any) -> Plan:
        """Observe, reconcile, validate, execute."""
        plan = reconcile(project, self.observe(project), UpOptions(**options))
        claimed = await validate(self.scene, self.containers, plan)
        try:
            await self.execute(plan)
        finally:
            self.scene.ports.settle(claimed)
            living = {one.name for one in self.scene.records.all() if self.lives.follows(one.id)}
            for name in {*claimed} - living:
                self.scene.ports.release(name)
        return plan

    async def down(self, project: Project, **options: Any) -> Plan:
        plan = teardown.down(self.observe(None), DownOptions(**options), project.name, project.services, ())
        await self.execute(plan)
        return plan

    def named(self, name: str) -> Container:
        return self.scene.records.named(name)

    def close(self) -> None:
        self.fake.close()


def find_runtime(name: str | None) -> str:
    if name == "missing":
        raise ContainerError("missing: program not found")
    return name or "crun"


@contextmanager
def stage(folder: Path, *images: str) -> Iterator[Stage]:
    """With these images in the store."""
    places = Places(folder / "root", folder / "run")
    fake = FakeHost(places.project(HASH))
    for image in images:
        fake.images.add(image)
    made = Stage(places, fake)
    try:
        yield made
    finally:
        made.close()


def perform(made: Stage, play: Coroutine[Any, Any, None]) -> None:
    """Run a test's coroutine with the stage open."""

    async def whole() -> None:
        made.open()
        await asyncio.wait_for(play, 30)

    asyncio.run(whole())
