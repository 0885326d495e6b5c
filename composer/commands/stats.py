"""`composer stats`: what containers use of the machine, one round after the other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from composer.commands.find import present
from composer.commands.session import Session
from composer.observed import Container
from composer.runtime.cgroups import Groups
from composer.runtime.meters import Reading, read

#: Seconds between two readings; the first round comes sooner.
INTERVAL, FIRST = 1.0, 0.25


@dataclass(frozen=True, slots=True)
class Usage:
    """`cpu`: percent of one processor since the reading before. `reading` is None for a container that does not run."""

    container: Container
    cpu: float = 0
    reading: Reading | None = None


def stats(session: Session, services: tuple[str, ...], *, everything: bool) -> Iterator[list[Usage]]:
    """A list of all containers for each round, without end; containers come and go between the rounds."""
    _, places = session.identity()
    groups = Groups.of_project(places.hash)
    present(places, services)  # names nobody knows are an error now, not an empty table for ever
    before: dict[str, Reading] = {}
    pause = FIRST
    while True:
        found = [one for one in present(places, ()) if not services or one.service in services]
        live = [one for one in found if one.status in ("running", "paused")]
        now = {one.id: read(groups, one.id, one.process.pid if one.process and one.endpoints else None) for one in live}
        if before or not live:
            yield [Usage(one, _percent(before.get(one.id), now.get(one.id)), now.get(one.id)) for one in found if everything or one in live]
        time.sleep(pause)
        before, pause = now, INTERVAL if before else FIRST


def _percent(before: Reading | None, now: Reading | None) -> float:
    if before is None or now is None or now.at <= before.at:
        return 0.0
    return max(0.0, 100 * (now.cpu - before.cpu) / (now.at - before.at))
