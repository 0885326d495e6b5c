"""`composer top`: the processes of each container."""

from __future__ import annotations

from dataclasses import dataclass

from composer.commands.find import present
from composer.commands.session import Session
from composer.observed import Container
from composer.runtime import users
from composer.runtime.cgroups import Groups
from composer.runtime.processes import Running, look


@dataclass(frozen=True, slots=True)
class Busy:
    """`names`: user names of the container by number, where its /etc/passwd has them."""

    container: Container
    processes: tuple[Running, ...]
    names: dict[int, str]


def top(session: Session, services: tuple[str, ...]) -> list[Busy]:
    """Containers that run, or are paused, in order of their names. Numbers are the host's."""
    _, places = session.identity()
    groups = Groups.of_project(places.hash)
    live = [one for one in present(places, services) if one.status in ("running", "paused")]
    return [Busy(one, tuple(look(groups.members(one.id))), _names(one)) for one in sorted(live, key=lambda one: one.name)]


def _names(container: Container) -> dict[int, str]:
    if container.process is None:
        return {}
    passwd = users.read_in(f"/proc/{container.process.pid}/root", "etc", "passwd")
    rows = (line.split(":") for line in passwd.splitlines())
    return {int(row[2]): row[0] for row in rows if len(row) > 3 and row[2].isdecimal()}
