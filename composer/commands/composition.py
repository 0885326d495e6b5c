"""A project as its files have it, which may be read again when they change."""

from __future__ import annotations

import base64
import gc
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from composer.commands.access import registry_access
from composer.commands.session import Session
from composer.errors import ComposerError, UsageError
from composer.plan.options import UpOptions
from composer.store import Stamp

if TYPE_CHECKING:
    from composer.load.phases import Loaded
    from composer.model.project import Project


@dataclass(slots=True)
class Composition:
    """`files`: absolute paths whose change may make another project of it, or make it one at all, and what they looked like. None when
    it was read from a pipe, which can be done only once."""

    session: Session
    options: UpOptions
    files: dict[str, Stamp] = field(default_factory=dict)
    loaded: Loaded = field(init=False)

    def __post_init__(self) -> None:
        self.loaded = self._read()
        if not self.project.services and not self.options.remove_orphans:
            inactive = ", ".join(self.project.inactive)
            hint = f"services of inactive profiles: {inactive}; --profile enables one" if inactive else "the compose files name none"
            raise UsageError("no service to bring up", hint=hint)

    @property
    def project(self) -> Project:
        return self.loaded.project

    @property
    def arguments(self) -> dict[str, Any]:
        """Of the verb `up`, for the first time."""
        return arguments(self.session, self.loaded, self.options)

    def again(self) -> dict[str, Any] | None:
        """The arguments of the `up` that makes it what the files say now. None, and why is told, when they make no project that could
        take the place of this one, which then stays."""
        gc.enable()  # who reads a project again and again is there for long
        try:
            loaded = self._read()
            if loaded.project.hash != self.project.hash:
                raise UsageError(f"the project is called {loaded.project.name} now", hint=f"take {self.project.name} down first")
        except ComposerError as wrong:
            self.session.audience.warn("\n".join(wrong.lines()))
            return None
        options = follow_up(self.options, self.project, loaded.project)
        self.loaded = loaded
        return arguments(self.session, loaded, options)

    def _read(self) -> Loaded:
        from composer.load import reading

        with reading.recorded() as seen:
            try:
                loaded = self.session.load(self.options.services)
            except ComposerError:
                self.files |= seen
                raise
            for one in (*loaded.project.secrets.values(), *loaded.project.configs.values()):
                if one.file:
                    reading.note(one.file)
        self.files = seen if seen.keys() >= set(loaded.project.config_files) else {}
        unknown = sorted(self.options.scale.keys() - loaded.project.services.keys())
        if unknown:
            raise UsageError(f"--scale: no such service: {', '.join(unknown)}")
        return loaded


def follow_up(options: UpOptions, before: Project, after: Project) -> UpOptions:
    """What was asked for at first, but only what differs is touched: images are built whose recipe is another one, containers of
    services that are no more are removed, and what was stopped stays so."""
    recipes = {name: one.build for name, one in before.services.items()}
    build = any(one.build and one.build != recipes.get(name) for name, one in after.services.items())
    gone = tuple(sorted(before.services.keys() - after.services.keys()))
    return replace(options, build=build, recreate="changed", pull="", renew_anonymous=False, wait=False, gone=gone, revive=False)


def arguments(session: Session, loaded: Loaded, options: UpOptions) -> dict[str, Any]:
    """A request's arguments: the project, the values of its secrets and configs from the environment,
    what was asked for, and the caller's way to registries."""
    provided = any(service.provider for service in loaded.project.services.values())
    contents = {key: base64.b64encode(value.encode()).decode() for key, value in loaded.contents.items()}
    return {
        "project": loaded.project.model_dump(mode="json"),
        "environ": dict(session.options.environ) if provided else {},
        "contents": contents,
        "options": asdict(options),
        "access": registry_access(session, loaded.project, options),
    }
