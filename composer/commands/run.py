"""`composer run`: a one-off container of a service, with the caller's standard streams or terminal, and its exit code."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from composer.commands import terminal
from composer.commands.composition import arguments
from composer.commands.oneoff import Changes, changed
from composer.commands.session import Session
from composer.commands.streams import Wishes, join
from composer.errors import UsageError
from composer.events import Event
from composer.plan.options import UpOptions
from composer.store import ProjectPlaces
from composer.supervisor.client import Client

if TYPE_CHECKING:
    from composer.load.phases import Loaded


@dataclass(frozen=True, slots=True)
class RunRequest:
    """`options` are about images and orphans; `quiet`: print no name of a container left in the background."""

    service: str
    changes: Changes = field(default_factory=Changes)
    options: UpOptions = field(default_factory=UpOptions)
    name: str = ""
    dependencies: bool = True
    remove: bool = False
    detach: bool = False
    stdin: bool = True
    quiet: bool = False


def run(session: Session, request: RunRequest) -> int:
    """Brings up what the service needs, waits for it as the file says, then runs. The container's exit code; 0 when it goes on."""
    loaded = session.load((request.service,))
    project = loaded.project
    if request.service not in project.services:
        raise UsageError(f"no such service: {request.service}")
    blueprint, surroundings = changed(project, project.services[request.service], request.changes)
    places = session.places.project(project.hash)
    client = session.reach(places, project.name)
    try:
        if request.dependencies:
            _dependencies(session, client, loaded, request)
        name = request.name or project.joined(request.service, "run", os.urandom(6).hex())
        base = arguments(session, replace(loaded, project=surroundings), request.options)
        args = {**base, "blueprint": blueprint.model_dump(mode="json"), "name": name, "stdin": request.stdin and not request.detach}
        made = client.call("create_oneoff", args, session.audience.event)
        return _to_the_end(session, client, places, made["id"], replace(request, name=name))
    finally:
        client.close()


def _dependencies(session: Session, client: Client, loaded: Loaded, request: RunRequest) -> None:
    service = loaded.project.services[request.service]
    needed = {name: edge.condition for name, edge in service.depends_on.items() if name in loaded.project.services}
    if needed:
        options = replace(request.options, services=tuple(needed), waits=dict(needed), build=False)
        client.call("up", arguments(session, loaded, options), session.audience.event)


def _to_the_end(session: Session, client: Client, places: ProjectPlaces, id_: str, request: RunRequest) -> int:
    finish = {"name": request.name, "remove": request.remove, "detach": request.detach}
    if request.detach:
        client.call("finish_oneoff", finish, session.audience.event)
        if not request.quiet:
            print(request.name)
        return 0

    def hand_on(number: int) -> None:
        """By another connection: ours is busy."""
        other = session.reach(places, "")
        other.call("signal", {"name": request.name, "signal": str(number)}, _say_nothing)
        other.close()

    def tell(event: Event) -> None:
        """That it starts would stand in the middle of what it writes; its terminal has the whole screen."""
        if not request.changes.tty and event.subject != f"container/{request.name}":
            session.audience.event(event)

    wishes = Wishes(hand_on, tell, request.changes.tty, request.stdin, terminal.DETACH_KEYS if request.changes.tty else b"")
    result = join(places.container(id_), client, ("finish_oneoff", finish), wishes)
    if result is None:
        return 0
    if result.get("oom_killed"):
        session.audience.warn(f"{request.name} was killed: out of memory")
    return int(result["exit_code"])


def _say_nothing(_event: Event) -> None:
    """Nothing of it is news."""
