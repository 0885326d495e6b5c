"""Attached `up`: events and logs on the terminal while the project runs; the first Ctrl-C stops it in order, the second kills."""

from __future__ import annotations

import select
import socket
import time
from typing import Any

from composer.commands.following import Following
from composer.commands.interrupts import INTERRUPTED, interrupted_by
from composer.commands.session import Session
from composer.events import Event
from composer.model.project import Project
from composer.store import ProjectPlaces
from composer.supervisor.client import Client, outcome


def attached(session: Session, places: ProjectPlaces, project: Project, args: dict[str, Any]) -> int:
    """Bring the project up, then follow it. Returns the exit code."""
    services = list(args["options"]["services"]) or list(project.services)
    since = time.time()
    client = session.reach(places, project.name)
    session.audience.expect(_names(project, services))
    following = Following(places, services)
    for name, service, line in following.begin(since=since):
        session.audience.log(name, service, line)
    with interrupted_by() as interrupts:
        watch = _Watch(session, client, following, interrupts)
        try:
            watch.call("up", args)
            watch.call("follow", {"services": services})
        except KeyboardInterrupt:
            _stop(session, watch, places, project)
            return INTERRUPTED
        finally:
            watch.show_logs()
            client.close()
            following.close()
    return 0


def _names(project: Project, services: list[str]) -> list[str]:
    chosen = [project.services[name] for name in services]
    return [one.container_name or f"{project.name}-{one.name}-{number}" for one in chosen for number in range(1, one.replicas + 1)]


def _stop(session: Session, watch: _Watch, places: ProjectPlaces, project: Project) -> None:
    """In order; a second Ctrl-C kills what is left."""
    session.audience.warn("stopping in order (press Ctrl-C again to kill)")
    request: dict[str, Any] = {"services": [], "timeout": None}
    try:
        watch.call("stop", request, cancel=False)
    except KeyboardInterrupt:
        # Another connection: this one's request is still being worked on.
        killer = session.reach(places, project.name)
        killer.call("kill", request, session.audience.event)
        killer.close()
        watch.finish()


class _Watch:
    """Waits for the supervisor, the logs and Ctrl-C at once."""

    def __init__(self, session: Session, client: Client, following: Following, interrupts: socket.socket) -> None:
        self.session, self.client, self.following, self.interrupts = session, client, following, interrupts

    def call(self, verb: str, args: dict[str, Any], *, cancel: bool = True) -> Any:
        """A request, with logs shown meanwhile. Ctrl-C raises KeyboardInterrupt, after the request has been given up if it may be."""
        self.client.send(verb, args)
        return self.finish(cancel=cancel)

    def finish(self, *, cancel: bool = False) -> Any:
        interrupted = False
        while True:
            waiting: list[Any] = [self.client, self.following, self.interrupts]
            ready, _, _ = select.select(waiting, [], [])
            if self.following in ready:
                self.show_logs()
            if self.interrupts in ready and self.interrupts.recv(64):
                if not cancel:
                    raise KeyboardInterrupt
                self.client.cancel()
                interrupted, cancel = True, False
            if self.client in ready:
                for message in self.client.receive():
                    if "event" in message:
                        self.session.audience.event(Event.from_json(message["event"]))
                        continue
                    if interrupted:
                        raise KeyboardInterrupt
                    return outcome(message)

    def show_logs(self) -> None:
        for name, service, line in self.following.lines():
            self.session.audience.log(name, service, line)
