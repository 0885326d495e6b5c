"""`composer up`: load the project, hand it to its supervisor, and, attached, show the logs until it ends.

The supervisor does the rest: observe, reconcile, validate, execute (supervisor/verbs.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from composer.commands.composition import Composition
from composer.commands.session import Session
from composer.plan.options import UpOptions
from composer.supervisor.ends import Rule


@dataclass(frozen=True, slots=True)
class WatchRequest:
    """`up`: first. `polling`: seconds between two looks, 0 to be told by the kernel."""

    services: tuple[str, ...] = ()
    up: bool = True
    prune: bool = True
    polling: float = 0.0


@dataclass(frozen=True, slots=True)
class Attachment:
    """How to stay with the project. `rule`: what stops it, and the exit code; `only` and `without`: services whose logs are shown or not;
    `dependencies`: also the logs of what the services named depend on.
    `menu`: keys are listened to; `watch`: how files are watched, from the beginning if it `watches`, or when the key is pressed."""

    rule: Rule = field(default_factory=Rule)
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    dependencies: bool = False
    menu: bool = True
    watch: WatchRequest = field(default_factory=WatchRequest)
    watches: bool = False


@dataclass(frozen=True, slots=True)
class UpRequest:
    options: UpOptions
    attachment: Attachment | None = None


def up(session: Session, request: UpRequest) -> int:
    """0 when all that was asked for is there; attached, as the attachment's rule has it when all has ended or was stopped in order."""
    session.mark("start, imports")
    composition = Composition(session, request.options)
    project, args = composition.project, composition.arguments
    places = session.places.project(project.hash)
    session.mark("load the compose files")
    if request.attachment is None or session.rehearse:
        settle = request.options.start and not request.options.wait
        done = session.call(places, project.name, "up", {**args, "settle": settle})
        for death in done["died"]:
            session.audience.warn(death)
        session.told(done)
        return 0
    from composer.commands.attached import attached

    return attached(session, places, composition, request, args)
