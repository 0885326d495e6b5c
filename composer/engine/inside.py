"""What is done inside a container that is there: its files brought up to date, a command run."""

from __future__ import annotations

import asyncio
import shlex
import time
from functools import partial

from composer.engine.container import Containers
from composer.engine.scene import Scene
from composer.errors import ContainerError
from composer.events import Event
from composer.observed import Container
from composer.plan.steps import RunInside, SyncFiles
from composer.process import start

#: Lines of a command's output that an error repeats.
LAST = 5


async def sync(scene: Scene, containers: Containers, action: SyncFiles) -> None:
    """Also in a container that has ended: it begins with these files. Nobody starts or removes it meanwhile."""
    async with containers.lock(action.name):
        container = scene.records.named(action.name)
        for complaint in await asyncio.to_thread(_sync, scene, container, action):
            scene.say(container, "warning", complaint)


def _sync(scene: Scene, container: Container, action: SyncFiles) -> tuple[str, ...]:
    host, process = scene.host, container.process
    image = host.images.find(container.image_id)
    mirror = partial(host.storage.sync, container.id, action.mirrors, holder=container.holder, image=image, differing=action.differing)
    if process is not None and host.runtime.alive(process):
        return mirror(process=process)
    return host.runtime.apart(partial(mirror, process=None))


async def run_inside(scene: Scene, action: RunInside) -> None:
    """To its end; its output is told line by line."""
    container, hook = scene.records.named(action.name), action.command
    argv = scene.host.runtime.exec_argv(
        container.id,
        container.runtime,
        hook.command,
        user=hook.user or "",
        environment=hook.environment,
        working_dir=hook.working_dir or "",
        privileged=hook.privileged,
    )
    child = await start(argv)
    assert child.stdout is not None
    said: list[str] = []
    async for line in child.stdout:
        said = [*said[1 - LAST :], line.decode(errors="replace").rstrip()]
        scene.tell(Event(time.time(), f"container/{container.name}", "line", said[-1], container.service))
    code = await child.wait()
    if code:
        raise ContainerError("\n  ".join([f"{container.name}: {shlex.join(hook.command)} exited with {code}", *said]))
