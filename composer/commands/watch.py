"""`composer watch`: bring the project up, then have its supervisor follow the files that `develop.watch` names, until Ctrl-C."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from composer.commands.session import Session
from composer.commands.up import arguments
from composer.errors import SupervisorError
from composer.plan.options import UpOptions

#: A supervisor that was killed has a successor in a moment; one that keeps dying is given up.
LOST, WITHIN = 5, 60.0


@dataclass(frozen=True, slots=True)
class WatchRequest:
    """`up`: first. `polling`: seconds between two looks, 0 to be told by the kernel."""

    services: tuple[str, ...] = ()
    up: bool = True
    prune: bool = True
    polling: float = 0.0


def watch(session: Session, request: WatchRequest) -> int:
    """0 when the project was taken down."""
    loaded = session.load(request.services)
    places = session.places.project(loaded.project.hash)
    options = UpOptions(services=request.services, build=True)
    args = arguments(session, loaded, options)
    if request.up:
        for death in session.call(places, loaded.project.name, "up", {**args, "settle": True})["died"]:
            session.audience.warn(death)
    lost: list[float] = []
    while True:
        client = session.reach(places, loaded.project.name)
        try:
            client.call("watch", watching(args, request, resume=bool(lost)), session.audience.event)
            return 0
        except SupervisorError:
            lost = [*(one for one in lost if time.monotonic() - one < WITHIN), time.monotonic()]
            if len(lost) >= LOST:
                raise
        finally:
            client.close()


def watching(args: dict[str, Any], request: WatchRequest, *, resume: bool) -> dict[str, Any]:
    """The arguments of the supervisor's verb; `args` are those of `up`."""
    kept = {key: args[key] for key in ("project", "access")}
    return {**kept, "services": list(request.services), "prune": request.prune, "polling": request.polling, "resume": resume}
