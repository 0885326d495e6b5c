"""`stop`, `start`, `restart`: one request to the supervisor each."""

from __future__ import annotations

from typing import Any

from composer.commands.session import Session
from composer.engine.records import read_containers
from composer.errors import UsageError


def stop(session: Session, services: tuple[str, ...], timeout: float | None) -> int:
    """`timeout` in seconds overrides each service's own."""
    return _ask(session, "stop", services, {"timeout": timeout})


def start(session: Session, services: tuple[str, ...], *, wait: bool = False, wait_timeout: float | None = None) -> int:
    """Start what is there; makes nothing new. `wait`: until all of it is running or healthy, `wait_timeout` seconds at most."""
    return _ask(session, "start", services, {"wait": wait, "wait_timeout": wait_timeout})


def restart(session: Session, services: tuple[str, ...], timeout: float | None, *, alone: bool = False) -> int:
    """The containers as they are: a changed file is `up`'s business. `alone`: without those that ask to be restarted with them."""
    return _ask(session, "restart", services, {"timeout": timeout, "alone": alone})


def _ask(session: Session, verb: str, services: tuple[str, ...], wishes: dict[str, Any]) -> int:
    name, places = session.identity()
    there = {one.service for one in read_containers(places)}
    unknown = [one for one in services if one not in there]
    if unknown:
        raise UsageError(f"no container of service {', '.join(unknown)}", hint="composer ps -a shows what is there")
    if there:
        session.call(places, name, verb, {"services": list(services), **wishes})
    return 0
