"""`composer wait`: until containers have ended."""

from __future__ import annotations

from dataclasses import dataclass

from composer.commands.down import down
from composer.commands.ps import containers
from composer.commands.session import Session
from composer.errors import UsageError
from composer.observed import Container
from composer.plan.options import DownOptions
from composer.supervisor.ends import code_of


@dataclass(frozen=True, slots=True)
class End:
    name: str
    code: int


def wait(session: Session, services: tuple[str, ...], *, down_project: bool) -> End:
    """The last container of the services to end; with `down_project` the first, after which the project is taken down. One that its
    restart policy brings back has not ended."""
    name, places = session.identity()
    chosen = [one for one in containers(places) if one.service in services and not one.oneoff]
    missing = sorted(set(services) - {one.service for one in chosen})
    if missing:
        raise UsageError(f"no container of service {', '.join(missing)}", hint="composer ps -a shows what is there")
    last = session.call(places, name, "wait", {"ids": [one.id for one in chosen], "first": down_project})["last"]
    if last is None:
        raise UsageError("the containers were removed before they ended")
    if down_project:
        down(session, DownOptions())
    ended = Container.from_json(last)
    return End(ended.name, code_of(ended))
