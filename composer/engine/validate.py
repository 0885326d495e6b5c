"""Everything that can be known to fail is looked at before anything is touched."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from composer.engine.container import Containers
from composer.engine.endpoints import promise
from composer.engine.ports import publications
from composer.engine.scene import Scene
from composer.errors import NetworkError, about
from composer.host import RootfsRequest
from composer.observed import Publication
from composer.plan.actions import CreateContainer, RemoveContainer, StartContainer, StopContainer
from composer.plan.steps import Plan

#: Seconds in which a port that was given back may still be taken.
HANDOVER = 1.0


async def validate(scene: Scene, containers: Containers, plan: Plan) -> list[str]:
    """Mount sources, runtimes, fixed addresses, and ports, which are taken here: all or none. Returns the names of the containers
    whose ports are claimed for the plan."""
    for step in plan.steps:
        if isinstance(step.action, CreateContainer):
            # One that waits for others may mount what these will write.
            await asyncio.to_thread(_check, scene, containers, step.action, late=any(edge.startswith("await ") for edge in step.after))
    actions = plan.actions()
    ending = frozenset(action.name for action in actions if isinstance(action, (StopContainer, RemoveContainer)))
    asked = [(action.name, action.blueprint.service) for action in actions if isinstance(action, CreateContainer)]
    scene.promised = promise(asked, [one for one in scene.records.all() if one.name not in ending])
    created = {
        action.name: publications(action.blueprint.service.ports)
        for action in actions
        if isinstance(action, CreateContainer) and not action.oneoff
    }
    starting = [action.name for action in actions if isinstance(action, StartContainer)]
    wanted = {name: created[name] if name in created else _published(scene, containers, name) for name in starting}
    paths = {name: f"services.{service.name}.ports" for name, service in asked}
    await _claim(scene, {**created, **wanted}, ending, paths)
    return [*created, *wanted]


async def _claim(scene: Scene, wanted: Mapping[str, tuple[Publication, ...]], ending: frozenset[str], paths: Mapping[str, str]) -> None:
    """Ports that we gave back just now may be held for a moment yet by the guard, which is told by message."""
    while True:
        try:
            return await asyncio.to_thread(scene.ports.claim, wanted, ending, paths)
        except NetworkError:
            if time.monotonic() - scene.ports.released_at > HANDOVER:
                raise
            await asyncio.sleep(0.02)


def _check(scene: Scene, containers: Containers, action: CreateContainer, *, late: bool) -> None:
    blueprint = action.blueprint
    path = f"services.{blueprint.service.name}"
    with about(f"{path}.runtime"):
        containers.find_runtime(blueprint.service.runtime)
    with about(path):
        scene.host.runtime.check(blueprint.service)
    image = scene.host.images.find(blueprint.service.image)
    if image and not late:
        with about(f"{path}.volumes"):
            scene.host.storage.check(
                RootfsRequest("", blueprint.service, image, "", (), blueprint.volumes, blueprint.secrets, blueprint.configs)
            )


def _published(scene: Scene, containers: Containers, name: str) -> tuple[Publication, ...]:
    """What a container that is there already publishes."""
    container = next((one for one in scene.records.all() if one.name == name), None)
    if container is None or container.oneoff:
        return ()
    return publications(containers.blueprint(container.id).service.ports)
