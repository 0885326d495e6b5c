"""`stop`, `start`, `restart`, `build`: one request to the supervisor each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from composer.commands.composition import arguments
from composer.commands.session import Session
from composer.engine.records import read_containers
from composer.errors import UsageError
from composer.model.service import Service
from composer.plan.options import UpOptions


def stop(session: Session, services: tuple[str, ...], timeout: float | None) -> int:
    """`timeout` in seconds overrides each service's own."""
    return _ask(session, "stop", services, {"timeout": timeout})


def start(session: Session, services: tuple[str, ...], *, wait: bool = False, wait_timeout: float | None = None) -> int:
    """Start what is there; makes nothing new. `wait`: until all of it is running or healthy, `wait_timeout` seconds at most."""
    return _ask(session, "start", services, {"wait": wait, "wait_timeout": wait_timeout})


def restart(session: Session, services: tuple[str, ...], timeout: float | None, *, alone: bool = False) -> int:
    """The containers as they are: a changed file is `up`'s business. `alone`: without those that ask to be restarted with them."""
    return _ask(session, "restart", services, {"timeout": timeout, "alone": alone})


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """`arguments` are KEY=VALUE, or KEY to take the caller's."""

    services: tuple[str, ...] = ()
    no_cache: bool = False
    pull: bool = False
    push: bool = False
    arguments: tuple[str, ...] = ()


def build(session: Session, request: BuildRequest) -> int:
    """Build the images of the services named, or of all that have a recipe."""
    loaded = session.load(request.services)
    unknown = [name for name in request.services if name not in loaded.project.services]
    if unknown:
        raise UsageError(f"no such service: {', '.join(unknown)}")
    given = {
        key: value if equals else session.options.environ.get(key)
        for key, equals, value in (one.partition("=") for one in request.arguments)
    }
    services = {name: _with_build(service, request, given) for name, service in loaded.project.services.items()}
    changed = replace(loaded, project=loaded.project.model_copy(update={"services": services}))
    places = session.places.project(loaded.project.hash)
    args = arguments(session, changed, UpOptions(services=request.services, build=True))
    session.call(places, loaded.project.name, "build", {**args, "push": request.push})
    return 0


def _with_build(service: Service, request: BuildRequest, given: dict[str, str | None]) -> Service:
    if not service.build:
        return service
    recipe = service.build.model_copy(
        update={
            "args": {**service.build.args, **given},
            "no_cache": service.build.no_cache or request.no_cache,
            "pull": service.build.pull or request.pull,
        }
    )
    return service.model_copy(update={"build": recipe})


def _ask(session: Session, verb: str, services: tuple[str, ...], wishes: dict[str, Any]) -> int:
    name, places = session.identity()
    there = {one.service for one in read_containers(places)}
    unknown = [one for one in services if one not in there]
    if unknown:
        raise UsageError(f"no container of service {', '.join(unknown)}", hint="composer ps -a shows what is there")
    if there:
        session.call(places, name, verb, {"services": list(services), **wishes})
    return 0
