"""Attached `up`: events and logs on the terminal while the project runs. The first Ctrl-C, or an end that the rule names, stops it in
order; the second Ctrl-C kills."""

from __future__ import annotations

import select
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import asdict
from functools import partial
from typing import Any

from composer.commands.composition import Composition
from composer.commands.following import Following
from composer.commands.interrupts import INTERRUPTED, interrupted_by
from composer.commands.session import Session
from composer.commands.shortcuts import HINT, Keys, keys
from composer.commands.up import Attachment, UpRequest
from composer.commands.watch import LOST, Watching
from composer.engine.records import read_containers
from composer.errors import ComposerError, SupervisorError, UsageError
from composer.events import Event
from composer.model.project import Project
from composer.observed import Container
from composer.plan.reconcile import selected
from composer.store import ProjectPlaces
from composer.supervisor.client import Client, outcome
from composer.supervisor.ends import exit_code
from composer.supervisor.logs import LogLine


class Stopped(Exception):
    """A container ended whose end stops the project."""


class Detached(Exception):
    """The user leaves, the project stays."""


def attached(session: Session, places: ProjectPlaces, composition: Composition, request: UpRequest, args: dict[str, Any]) -> int:
    """Bring the project up, then follow it. Returns the exit code."""
    attachment, project = request.attachment or Attachment(), composition.project
    shown = _shown(project, request, attachment)
    since, rule = time.time(), attachment.rule
    following = Following(places, shown, nothing=not shown)
    session.audience.expect(_names(project, shown))
    for name, service, line in following.begin(since=since):
        session.audience.log(name, service, line)
    with interrupted_by() as interrupts, keys() if attachment.menu else nullcontext() as typed:
        watch = _Watch(session, partial(session.reach, places, project.name), following, interrupts)
        watch.offer(typed, Watching(partial(session.reach, places, project.name), composition, attachment.watch))
        try:
            if rule.on != "nothing":
                watch.warn_of(session.reach(places, project.name), {"rule": asdict(rule), "since": since})
            session.told(watch.call("up", args))
            if attachment.watches:
                watch.watching.begin()
            watch.follow({"services": list(request.options.services) or list(project.services), "target": rule.target})
            if rule.target:
                _stop(session, watch, places, project)
        except Detached:
            return 0
        except Stopped:
            _stop(session, watch, places, project)
        except KeyboardInterrupt:
            session.audience.warn("stopping in order (press Ctrl-C again to kill)")
            _stop(session, watch, places, project)
            return INTERRUPTED
        finally:
            watch.show_logs()
            watch.close()
            following.close()
    return exit_code(rule, watch.first, read_containers(places))


def _shown(project: Project, request: UpRequest, attachment: Attachment) -> list[str]:
    """The services whose logs are shown: those that --attach names, or all that are brought up and do not say `attach: false`."""
    there = selected(project, request.options)
    unknown = [name for name in (*attachment.only, *attachment.without, attachment.rule.target) if name and name not in there]
    if unknown:
        raise UsageError(f"no such service: {', '.join(unknown)}")
    named = request.options.services if request.options.services and not attachment.dependencies else there
    shown = attachment.only or [name for name in named if project.services[name].attach and not project.services[name].provider]
    return [name for name in shown if name not in attachment.without]


def _names(project: Project, services: list[str]) -> Iterator[str]:
    for one in (project.services[name] for name in services):
        yield from (one.container_name or project.joined(one.name, number) for number in range(1, one.replicas + 1))


def _stop(session: Session, watch: _Watch, places: ProjectPlaces, project: Project) -> None:
    """In order; another Ctrl-C kills what is left."""
    request: dict[str, Any] = {"services": [], "timeout": None}
    watch.watching.end()
    try:
        watch.call("stop", request, cancel=False)
    except KeyboardInterrupt:
        # Another connection: this one's request is still being worked on.
        killer = session.reach(places, project.name)
        killer.call("kill", request, session.audience.event)
        killer.close()
        watch.finish()


class _Watch:
    """Waits for the supervisor, the logs, Ctrl-C, and an end that stops the project, at once."""

    def __init__(self, session: Session, reach: Callable[[], Client], following: Following, interrupts: socket.socket) -> None:
        self.session, self.reach, self.following, self.interrupts = session, reach, following, interrupts
        self.client = reach()
        self.herald: Client | None = None  # who will tell of the end that stops the project
        self.first: Container | None = None  # whose end it was
        self.keys: Keys | None = None

    def warn_of(self, herald: Client, args: dict[str, Any]) -> None:
        self.herald = herald
        herald.send("first_end", args)

    def offer(self, keys: Keys | None, watching: Watching) -> None:
        """What the user can ask for by a key."""
        self.keys, self.watching = keys, watching
        if keys:
            self.session.audience.warn(HINT)

    def follow(self, args: dict[str, Any]) -> None:
        """Until it is over; a supervisor that is killed meanwhile has a successor."""
        for _ in range(LOST):
            with suppress(SupervisorError):
                self.call("follow", args)
                return
            self.client.close()
            self.client = self.reach()
        self.call("follow", args)

    def call(self, verb: str, args: dict[str, Any], *, cancel: bool = True) -> Any:
        """A request, with logs shown meanwhile. Ctrl-C raises KeyboardInterrupt, an end that stops the project Stopped, both after the
        request has been given up if it may be."""
        self.client.send(verb, args)
        return self.finish(cancel=cancel)

    def finish(self, *, cancel: bool = False) -> Any:
        reason: type[BaseException] | None = None
        while True:
            ready, _, _ = select.select(self._waiting(cancel=cancel), [], [])
            self._beside(ready)
            asked = self._asked_to_end(ready)
            if asked and not cancel:
                raise asked
            if asked:
                self.client.cancel()
                reason, cancel = asked, False
            if self.client in ready and (message := self._answer()):
                if reason:
                    raise reason
                return outcome(message)

    def _waiting(self, *, cancel: bool) -> list[Any]:
        optional = (self.herald if cancel else None, self.keys, self.watching if self.watching.on else None)
        return [self.client, self.following, self.interrupts, *(one for one in optional if one)]

    def _beside(self, ready: list[Any]) -> None:
        """What goes on while the answer is waited for. All that happens is told on our own connection too."""
        if self.following in ready:
            self.show_logs()
        if self.keys and self.keys in ready:
            self._typed(self.keys.read())
        if self.watching.on and self.watching in ready:
            before = self.watching.composition.project.services
            try:
                deque(self.watching.hear(), 0)
            except ComposerError as refused:
                self.session.audience.warn(refused.message)
            after = self.watching.composition.project.services
            self.following.want(name for name, one in after.items() if name not in before and one.attach)

    def _typed(self, text: str) -> None:
        if not text:
            self.keys = None
        for key in text:
            if key == "d":
                raise Detached
            if key == "w" and self.watching.on:
                self.watching.end()
                self.session.audience.warn("files are not watched any more")
            elif key == "w":
                self.watching.begin()

    def _asked_to_end(self, ready: list[Any]) -> type[BaseException] | None:
        if self.interrupts in ready and self.interrupts.recv(64):
            return KeyboardInterrupt
        if self.herald and self.herald in ready:
            for message in self.herald.receive():
                if "event" not in message:
                    self.first = Container.from_json(outcome(message)["end"])
                    return Stopped
        return None

    def _answer(self) -> dict[str, Any] | None:
        for message in self.client.receive():
            if "event" not in message:
                return message
            self._tell(Event.from_json(message["event"]))
        return None

    def _tell(self, event: Event) -> None:
        """What a hook says stands among the logs, with an arrow behind the container's name."""
        kind, _, name = event.subject.partition("/")
        if kind == "container" and event.action == "line":
            self.session.audience.log(f"{name} ->", event.service, LogLine(event.at, "stdout", event.detail))
        else:
            self.session.audience.event(event)

    def show_logs(self) -> None:
        for name, service, line in self.following.lines():
            self.session.audience.log(name, service, line)

    def close(self) -> None:
        self.client.close()
        self.watching.end()
        if self.herald:
            self.herald.close()
