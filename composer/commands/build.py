"""`composer build`: the images of services, by one request to the supervisor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from composer import graph
from composer.commands.composition import arguments
from composer.commands.session import Session
from composer.errors import UsageError
from composer.load.phases import Loaded
from composer.model.project import Project
from composer.model.service import Service
from composer.plan.options import UpOptions


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """`arguments` are KEY=VALUE, or KEY to take the caller's; `ssh` ID=PATH, or ID for the caller's agent; `memory` in bytes."""

    services: tuple[str, ...] = ()
    no_cache: bool = False
    pull: bool = False
    push: bool = False
    dependencies: bool = False
    arguments: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()
    memory: int | None = None


def build(session: Session, request: BuildRequest) -> int:
    """Build the images of the services named, or of all that have a recipe."""
    loaded = _loaded(session, request)
    places = session.places.project(loaded.project.hash)
    args = arguments(session, loaded, UpOptions(services=_chosen(loaded.project, request), build=True))
    session.call(places, loaded.project.name, "build", {**args, "push": request.push})
    return 0


def recipes(session: Session, request: BuildRequest) -> Project:
    """The services that `build` would build, with the recipes that it would follow."""
    project = _loaded(session, request).project
    chosen = _chosen(project, request) or graph.order(project)
    return project.model_copy(update={"services": {name: project.services[name] for name in chosen if project.services[name].build}})


def _chosen(project: Project, request: BuildRequest) -> tuple[str, ...]:
    """None is all."""
    return tuple(sorted(graph.needs(project, request.services))) if request.dependencies and request.services else request.services


def _loaded(session: Session, request: BuildRequest) -> Loaded:
    loaded = session.load(request.services)
    unknown = [name for name in request.services if name not in loaded.project.services]
    if unknown:
        raise UsageError(f"no such service: {', '.join(unknown)}")
    services = {name: _with_build(service, request, session.options.environ) for name, service in loaded.project.services.items()}
    return replace(loaded, project=loaded.project.model_copy(update={"services": services}))


def _with_build(service: Service, request: BuildRequest, environ: Mapping[str, str]) -> Service:
    recipe = service.build
    if not recipe:
        return service
    given = {key: value if equals else environ.get(key) for key, equals, value in (one.partition("=") for one in request.arguments)}
    changes: dict[str, Any] = {
        "args": {**recipe.args, **given},
        "no_cache": recipe.no_cache or request.no_cache,
        "pull": recipe.pull or request.pull,
        "memory": request.memory,
    }
    if request.ssh:
        changes["ssh"] = tuple(_agent(one, environ) for one in request.ssh)
    return service.model_copy(update={"build": recipe.model_copy(update=changes)})


def _agent(one: str, environ: Mapping[str, str]) -> str:
    socket = environ.get("SSH_AUTH_SOCK")
    return f"{one}={socket}" if "=" not in one and socket else one
