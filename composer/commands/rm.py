"""`composer rm`: remove containers that have ended; networks and volumes stay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from composer.commands.find import present
from composer.commands.session import Session


@dataclass(frozen=True, slots=True)
class RemoveRequest:
    """`stop`: also what runs, after stopping it. `volumes`: with their anonymous volumes."""

    services: tuple[str, ...] = ()
    stop: bool = False
    volumes: bool = False


def rm(session: Session, request: RemoveRequest, agreed: Callable[[list[str]], bool]) -> int:
    """`agreed` is asked once, with the names of the containers. One-off containers go too when no service is named."""
    name, places = session.identity()
    found = [one for one in present(places, request.services) if not (one.oneoff and request.services)]
    gone = [one.name for one in found if request.stop or one.status not in ("running", "paused")]
    if not gone:
        session.audience.warn("no stopped containers")
        return 0
    if not session.rehearse and not agreed(gone):
        return 0
    session.call(places, name, "rm", {"services": list(request.services), "stop": request.stop, "volumes": request.volumes})
    return 0
