"""`composer pause` and `unpause`: the freezer of the container's cgroup."""

from __future__ import annotations

from composer.commands.find import present
from composer.commands.session import Session
from composer.errors import UsageError


def pause(session: Session, services: tuple[str, ...]) -> int:
    """Freeze what runs. Health checks rest meanwhile; `stop`, `kill` and `down` thaw."""
    return _ask(session, "pause", services, "running")


def unpause(session: Session, services: tuple[str, ...]) -> int:
    return _ask(session, "unpause", services, "paused")


def _ask(session: Session, verb: str, services: tuple[str, ...], status: str) -> int:
    name, places = session.identity()
    if not any(one.status == status for one in present(places, services)):
        whose = f"service {', '.join(services)}" if services else f"project {name}"
        raise UsageError(f"no container of {whose} is {status}", hint="composer ps -a shows what is there")
    session.call(places, name, verb, {"services": list(services)})
    return 0
