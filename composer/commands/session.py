"""What every command is given: how to load the project, where things are, who listens, and the way to the supervisor."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from composer.commands.external import check_external
from composer.errors import ComposerError, UsageError
from composer.events import Event
from composer.store import Places, ProjectPlaces, project_hash, read_json

if TYPE_CHECKING:
    from composer.commands.profile import Recorder
    from composer.load import LoadOptions
    from composer.load.phases import Loaded
    from composer.supervisor.client import Client
    from composer.supervisor.guard import Launcher
    from composer.supervisor.logs import LogLine


class Audience(Protocol):
    """Who is told what happens: the command line's printer."""

    def event(self, event: Event) -> None: ...

    def log(self, name: str, service: str, line: LogLine) -> None: ...

    def records(self, name: str, block: bytes) -> None:
        """Many lines of a container at once, as they stand in its log (supervisor/logs.py)."""

    def expect(self, names: Iterable[str]) -> None:
        """Whose lines are to come."""

    def warn(self, text: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Session:
    """`rehearse`: is told the plans of what would be done (`--dry-run`), instead of its being done. `parallel`: so many steps of a plan
    at once, 0 for as many as may be."""

    options: LoadOptions
    places: Places
    audience: Audience
    launcher: Launcher | None = None
    profile: Recorder | None = None
    rehearse: Callable[[str], None] | None = None
    parallel: int = 0

    def mark(self, phase: str) -> None:
        """For `--profile-phases`: what was done until now."""
        if self.profile:
            self.profile.mark(phase)

    def told(self, done: dict[str, Any]) -> None:
        """For `--profile-phases`: the result of the supervisor's, with what it stamped."""
        if self.profile and "timing" in done:
            self.profile.told(done["timing"])

    def load(self, services: tuple[str, ...] = ()) -> Loaded:
        """The project, with the services named on the command line active. Warnings are told."""
        from composer.load.phases import load

        loaded = load(replace(self.options, services=services))
        check_external(self.places, loaded)
        for warning in loaded.warnings:
            self.audience.warn(warning)
        return loaded

    def named(self, services: tuple[str, ...]) -> tuple[str, Mapping[str, Any], tuple[str, ...]]:
        """What the names of its containers and images begin with, its services as they are written, and those of inactive profiles:
        what it takes to take a project away, which must work without the env files and variables that it took to bring it up."""
        from composer.load.phases import resolve

        resolved = resolve(replace(self.options, services=services, resolve_env=False, consistency=False))
        for warning in resolved.warnings:
            self.audience.warn(warning)
        return resolved.tree["name"] + resolved.sources.separator, resolved.tree.get("services") or {}, resolved.inactive

    def identity(self) -> tuple[str, ProjectPlaces]:
        """Name and places of the project, without building its model. With only a name (`-p`), the project of that name that is here."""
        from composer.load.sources import identify

        try:
            name, folder = identify(self.options)
        except ComposerError:
            named = self.options.project_name or self.options.environ.get("COMPOSE_PROJECT_NAME")
            found = self._named(named) if named and not self.options.files else None
            if found is None:
                raise
            return found
        return name, self.places.project(project_hash(name, folder))

    def _named(self, name: str) -> tuple[str, ProjectPlaces] | None:
        for places in self.places.projects():
            stored = read_json(places.project_file)
            if stored and stored["name"] == name:
                return name, places
        return None

    def reach(self, places: ProjectPlaces, name: str) -> Client:
        """The project's supervisor, started when there is none."""
        if self.rehearse:
            raise UsageError("--dry-run: what this command does has no plan to show")
        client = self._reach(places, name)
        client.parallel = self.parallel
        return client

    def _reach(self, places: ProjectPlaces, name: str) -> Client:
        from composer.supervisor.client import current, reach
        from composer.supervisor.guard import launch

        if os.geteuid():
            raise ComposerError("composer needs root to make namespaces, mounts and links", hint=f"sudo composer {' '.join(sys.argv[1:])}")
        if self.launcher and self.launcher.spent:
            client = current(places)
            if client:
                return client
            self.audience.warn("the project's supervisor is gone: another one goes on")  # ends what is drawn, and its thread
            return reach(places, name, launch())
        # A command that seldom needs a supervisor forks it only now; nothing here has started a thread.
        return reach(places, name, self.launcher or launch())

    def call(self, places: ProjectPlaces, name: str, verb: str, args: dict[str, Any]) -> Any:
        """One request to the supervisor, from connection to result. Ctrl-C gives it up."""
        if self.rehearse:
            from composer.commands.rehearsal import rehearsed

            return rehearsed(self, places, verb, args)
        client = self.reach(places, name)
        try:
            return client.call(verb, args, self.audience.event)
        except KeyboardInterrupt:
            client.cancel()
            raise
        finally:
            client.close()
