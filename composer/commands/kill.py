"""`composer kill`: a signal to every container, at once."""

from __future__ import annotations

from dataclasses import dataclass

from composer.commands.find import present
from composer.commands.session import Session


@dataclass(frozen=True, slots=True)
class KillRequest:
    services: tuple[str, ...] = ()
    signal: str = "SIGKILL"
    remove_orphans: bool = False


def kill(session: Session, request: KillRequest) -> int:
    """SIGKILL also where a container is paused; other signals thaw it. Restart policies stay away from what was told to end."""
    name, places = session.identity()
    if not present(places, request.services) and not request.remove_orphans:
        return 0
    known: list[str] | None = None
    if request.remove_orphans:
        _, services, inactive = session.named(())
        known = [*services, *inactive]
    session.call(places, name, "kill", {"services": list(request.services), "signal": request.signal, "known": known})
    return 0
