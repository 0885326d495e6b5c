"""`composer ps`: what is there, read from the state files; believed only with proof. Loads neither pydantic nor any driver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from composer.commands.session import Session
from composer.engine.records import read_containers, read_networks
from composer.errors import UsageError
from composer.observed import Container
from composer.runtime.signals import alive
from composer.store import ProjectPlaces
from composer.supervisor.client import connect


@dataclass(frozen=True, slots=True)
class Listing:
    """`supervised` is False when containers run and nobody looks after them."""

    project: str
    containers: tuple[Container, ...]
    supervised: bool
    networks: Mapping[str, str] = field(default_factory=dict)  # key -> full name


def ps(
    session: Session, services: tuple[str, ...], *, everything: bool, states: frozenset[str] = frozenset(), orphans: bool = True
) -> Listing:
    """Running containers, and those that their policy is about to restart; with `everything` also those that ended or never
    started, with `states` those in one of them, whatever it is.
    Without `orphans` only those of services that the file names."""
    name, places = session.identity()
    found = _awaited(places, containers(places))
    unknown = [one for one in services if one not in {container.service for container in found}]
    if unknown:
        raise UsageError(f"no such service: {', '.join(unknown)}")
    wanted = states or ({"running", "paused", "restarting"} if not everything else {one.status for one in found})
    named = {one.service for one in found} if orphans else _named(session)
    shown = [one for one in found if one.status in wanted and one.service in named and (not services or one.service in services)]
    lonely = any(one.status == "running" for one in found) and not supervised(places)
    return Listing(name, tuple(shown), not lonely, {key: state.name for key, state in read_networks(places).items()})


def _named(session: Session) -> set[str]:
    _, services, inactive = session.named(())
    return {*services, *inactive}


def containers(places: ProjectPlaces) -> tuple[Container, ...]:
    """The records, each as far as it is true (`_proven`); what is half-made, or half removed, and does not run is left out."""
    proven = (_proven(places, one) for one in read_containers(places))
    return tuple(one for one in proven if one.status not in ("creating", "removing"))


def _awaited(places: ProjectPlaces, found: tuple[Container, ...]) -> tuple[Container, ...]:
    """Which of them wait to be restarted by their policy: as long as there is somebody who will."""
    waiting = {one.id for one in found if one.status == "exited" and one.restart_at and not one.stop_asked}
    if not waiting or not supervised(places):
        return found
    return tuple(replace(one, status="restarting") if one.id in waiting else one for one in found)


def supervised(places: ProjectPlaces) -> bool:
    """Whether guard or supervisor lives (one of them is enough, it brings the other back): somebody listens."""
    client = connect(places)
    if client:
        client.close()
    return client is not None


def _proven(places: ProjectPlaces, container: Container) -> Container:
    """One that says "running" about a process that is gone has ended, the code unknown until it is put away; one whose PID 1 waits
    to be let go is no further than created; one whose removal was begun and that lives still runs."""
    if container.status not in ("running", "paused", "removing"):
        return container
    lives = container.process is not None and alive(container.process)
    waits = lives and places.container(container.id).gate.exists()
    if container.status == "removing":
        return replace(container, status="running") if lives and not waits else container
    if waits:
        return replace(container, status="created", health="")
    return container if lives else replace(container, status="exited", health="")
