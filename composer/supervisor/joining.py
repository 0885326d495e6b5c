"""Containers that share another one's namespaces (`network_mode`, `pid`, `ipc: service:NAME`): a namespace ends with its owner's
processes, so that who shares it has to be restarted after its owner, and cannot be before."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from composer.engine.container import Containers
from composer.engine.scene import Scene
from composer.errors import ComposerError
from composer.events import Event
from composer.model.service import Service
from composer.observed import Container
from composer.plan.actions import StopContainer

ServiceOf = Callable[[Container], Service]


async def await_owners(scene: Scene, service: Service) -> None:
    """Until no container that the service shares namespaces with has just ended, or is about to be restarted by its policy."""
    while any(_is_between(scene, one) for one in _owners(scene, service)):
        await scene.changes.wait()


def _is_between(scene: Scene, owner: Container) -> bool:
    """Whether its end is not recorded yet, or it is to come back."""
    if owner.status == "exited":
        return scene.keeper.will_restart(owner)
    return owner.status == "running" and owner.process is not None and not scene.host.runtime.alive(owner.process)


async def rejoin(scene: Scene, containers: Containers, service_of: ServiceOf, owner: Container) -> None:
    """`owner` has just been started: restart who still lives in the namespaces of its former processes."""
    for one in scene.records.all():
        if one.status == "running" and not one.oneoff and _is_stale(scene, one, service_of(one), owner):
            scene.say(one, "restarting", f"it shares namespaces with {owner.name}")
            try:
                await containers.stop(StopContainer(one.name))
                await containers.start(one.name)
            except ComposerError as error:
                scene.tell(Event(time.time(), f"container/{one.name}", "error", error.message, one.service))


def _is_stale(scene: Scene, one: Container, service: Service, owner: Container) -> bool:
    """Whether it began before its owner: creates are ordered, so that it would be the younger one."""
    now = next((other for other in _owners(scene, service) if other.id == owner.id), None)
    return bool(now and now.process and one.process and one.process.start_time < now.process.start_time)


def _owners(scene: Scene, service: Service) -> Iterator[Container]:
    """The containers of the project whose namespaces are shared: the first of each service, those that are named."""
    names = set(service.joined_containers.values())
    yield from (one for one in scene.records.all() if one.name in names)
    for name in set(service.joined.values()):
        yield from [one for one in scene.records.all() if one.service == name and not one.oneoff][:1]
