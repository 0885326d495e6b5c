"""Finding one running container of a service, for `exec`, `port` and the like."""

from __future__ import annotations

from composer.commands.ps import containers
from composer.commands.session import Session
from composer.errors import UsageError
from composer.observed import Container


def running(session: Session, service: str, index: int = 0) -> Container:
    """The container with number `index`, or the first."""
    _, places = session.identity()
    found = [one for one in containers(places) if one.service == service and not one.oneoff]
    if index:
        found = [one for one in found if one.number == index]
    live = [one for one in found if one.status == "running"]
    if not live:
        number = f" with index {index}" if index else ""
        raise UsageError(f'service "{service}" has no running container{number}', hint=f"composer up -d {service}")
    return live[0]
