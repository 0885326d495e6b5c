"""Finding one running container of a service, for `exec`, `port` and the like."""

from __future__ import annotations

from composer.commands.ps import containers
from composer.commands.session import Session
from composer.errors import LoadError, UsageError
from composer.observed import Container
from composer.store import ProjectPlaces


def running(session: Session, service: str, index: int = 0) -> Container:
    """The container with number `index`, or the first."""
    _, places = session.identity()
    found = [one for one in containers(places) if one.service == service and not one.oneoff]
    if index:
        found = [one for one in found if one.number == index]
    live = [one for one in found if one.status == "running"]
    if not live:
        _named(session, service)
        number = f" with index {index}" if index else ""
        raise UsageError(f'service "{service}" has no running container{number}', hint=f"composer up -d {service}")
    return live[0]


def _named(session: Session, service: str) -> None:
    """UsageError when the compose file has no such service; without a file that is not known."""
    from composer.load.shapes import suggestion

    try:
        _, services, inactive = session.named(())
    except LoadError:
        return
    known = sorted({*services, *inactive})
    if service not in known:
        near = suggestion(service, known)
        raise UsageError(f"no such service: {service}", hint=f"did you mean {near}?" if near else f"services: {', '.join(known)}")


def present(places: ProjectPlaces, services: tuple[str, ...]) -> list[Container]:
    """The containers of the services (none named: all of the project), one-off ones too; a service without any is an error."""
    found = containers(places)
    unknown = [one for one in services if one not in {container.service for container in found}]
    if unknown:
        raise UsageError(f"no container of service {', '.join(unknown)}", hint="composer ps -a shows what is there")
    return [one for one in found if not services or one.service in services]


def chosen(session: Session, service: str, index: int = 0, *, oneoffs: bool = False) -> list[Container]:
    """The containers of a service, running or not, or the one with number `index`; none is an error."""
    _, places = session.identity()
    found = [one for one in present(places, (service,)) if (oneoffs or not one.oneoff) and index in (0, one.number)]
    if not found:
        raise UsageError(f"service {service} has no container{f' with index {index}' if index else ''}", hint="composer ps -a")
    return found
