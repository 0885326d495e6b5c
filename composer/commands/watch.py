"""`composer watch`: bring the project up, then have its supervisor follow the files that `develop.watch` names, until Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from composer.commands.session import Session
from composer.commands.up import WatchRequest, arguments
from composer.errors import SupervisorError
from composer.events import Event
from composer.plan.options import UpOptions
from composer.supervisor.client import Client, outcome

#: A supervisor that was killed has a successor in a moment; one that keeps dying is given up.
LOST, WITHIN = 5, 60.0


def watch(session: Session, request: WatchRequest) -> int:
    """0 when the project was taken down."""
    loaded = session.load(request.services)
    places = session.places.project(loaded.project.hash)
    options = UpOptions(services=request.services, build=True)
    args = arguments(session, loaded, options)
    if request.up:
        for death in session.call(places, loaded.project.name, "up", {**args, "settle": True})["died"]:
            session.audience.warn(death)
    watching = Watching(partial(session.reach, places, loaded.project.name), args, request)
    watching.begin()
    try:
        while watching.on:
            for event in watching.hear():
                session.audience.event(event)
    finally:
        watching.end()
    return 0


@dataclass(slots=True)
class Watching:
    """The verb `watch` on a connection of its own. A supervisor that was killed has a successor, which is asked to go on."""

    reach: Callable[[], Client]
    args: dict[str, Any]  # those of `up`
    request: WatchRequest
    client: Client | None = None
    lost: list[float] = field(default_factory=list)

    @property
    def on(self) -> bool:
        return self.client is not None

    def fileno(self) -> int:
        """Only while it is on."""
        assert self.client is not None
        return self.client.fileno()

    def begin(self, *, resume: bool = False) -> None:
        asked = self.request
        self.client = self.reach()
        kept = {key: self.args[key] for key in ("project", "access")}
        options = {"services": list(asked.services), "prune": asked.prune, "polling": asked.polling, "resume": resume}
        self.client.send("watch", {**kept, **options})

    def end(self) -> None:
        if self.client:
            self.client.close()
            self.client = None

    def hear(self) -> Iterator[Event]:
        """The events of one read, which waits when there is none. It is over when the project is gone; a refusal raises."""
        assert self.client is not None
        try:
            for message in self.client.receive():
                if "event" in message:
                    yield Event.from_json(message["event"])
                else:
                    self.end()
                    outcome(message)
        except SupervisorError:
            self.end()
            self.lost = [*(one for one in self.lost if time.monotonic() - one < WITHIN), time.monotonic()]
            if len(self.lost) >= LOST:
                raise
            self.begin(resume=True)
