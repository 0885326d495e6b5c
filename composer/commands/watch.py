"""`composer watch`: bring the project up, then have its supervisor follow the files that it is made of and those that `develop.watch`
names, until Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from composer.commands.alone import alone
from composer.commands.composition import Composition
from composer.commands.session import Session
from composer.commands.up import WatchRequest
from composer.errors import SupervisorError
from composer.events import Event
from composer.plan.options import UpOptions
from composer.supervisor.client import Client, outcome
from composer.supervisor.protocol import APPLIED

#: A supervisor that was killed has a successor in a moment; one that keeps dying is given up.
LOST, WITHIN = 5, 60.0


def watch(session: Session, request: WatchRequest) -> int:
    """0 when the project was taken down."""
    composition = Composition(session, UpOptions(services=request.services, build=True))
    project = composition.project
    places = session.places.project(project.hash)
    if request.up:
        alone(places)
        for death in session.call(places, project.name, "up", {**composition.arguments, "settle": True})["died"]:
            session.audience.warn(death)
    watching = Watching(partial(session.reach, places, project.name), composition, request)
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
    """The verb `watch` on a connection of its own. A supervisor that was killed has a successor, which is asked to go on. When files
    change that the project is made of, they are read here, and the supervisor is asked to make it so and to watch the new project."""

    reach: Callable[[], Client]
    composition: Composition
    request: WatchRequest
    apply: dict[str, Any] | None = None  # what `up` is to be asked first
    client: Client | None = None
    begun: bool = False
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
        arguments = self.composition.arguments
        kept = {key: arguments[key] for key in ("project", "access")}
        options = {"services": list(asked.services), "prune": asked.prune, "polling": asked.polling, "resume": resume, "again": self.begun}
        self.client.send("watch", {**kept, **options, "files": self.composition.files, "apply": self.apply})
        self.begun = True

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
                    event = Event.from_json(message["event"])
                    if (event.subject, event.action) == APPLIED:
                        self.apply = None
                    yield event
                else:
                    self.end()
                    self._over(outcome(message)["changed"])
        except SupervisorError:
            self.end()
            self.lost = [*(one for one in self.lost if time.monotonic() - one < WITHIN), time.monotonic()]
            if len(self.lost) >= LOST:
                raise
            self.begin(resume=True)

    def _over(self, changed: bool) -> None:
        """The project is gone, or its files have changed."""
        if changed:
            self.apply = self.composition.again()
            self.begin()
