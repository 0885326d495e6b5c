"""What is done inside a container that is there: its files brought up to date, a command run."""

from __future__ import annotations

import asyncio
from functools import partial

from composer.engine.container import Containers
from composer.engine.hooks import run
from composer.engine.scene import Scene
from composer.observed import Container
from composer.plan.actions import RunInside, SyncFiles


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
    await run(scene, scene.records.named(action.name), action.command, "exec")
