"""`composer attach`: the caller's streams joined to those of a container that runs."""

from __future__ import annotations

import os
from dataclasses import dataclass

from composer.commands import terminal
from composer.commands.find import running
from composer.commands.session import Session
from composer.commands.streams import Wishes, join
from composer.events import Event
from composer.observed import Container
from composer.runtime.conmon import resize
from composer.store import read_json


@dataclass(frozen=True, slots=True)
class AttachRequest:
    """`detach_keys` as Docker writes them; `proxy`: signals go to the container's PID 1, else they end this command alone."""

    service: str
    index: int = 0
    detach_keys: str = "ctrl-p,ctrl-q"
    stdin: bool = True
    proxy: bool = True


def attach(session: Session, request: AttachRequest) -> int:
    """The container's exit code; 0 when the detach keys were typed."""
    keys = terminal.keys(request.detach_keys)
    container = running(session, request.service, request.index)
    name, places = session.identity()
    place = places.container(container.id)
    process = (read_json(place.config) or {}).get("process", {})
    tty = bool(process.get("terminal"))
    client = session.reach(places, name)

    def on_signal(number: int) -> None:
        if not request.proxy:
            raise KeyboardInterrupt
        other = session.reach(places, name)
        other.call("signal", {"name": container.name, "signal": str(number)}, _say_nothing)
        other.close()

    if tty and (size := terminal.size()):
        resize(place, size[0] + 1, size[1])  # what fills the screen draws itself again when the size changes
    wishes = Wishes(on_signal, _say_nothing, tty, request.stdin, keys if os.isatty(0) else b"")
    try:
        result = join(place, client, ("wait", {"ids": [container.id]}), wishes)
    finally:
        client.close()
    last = (result or {}).get("last")
    return (Container.from_json(last).exit_code or 0) if last else 0


def _say_nothing(_event: Event) -> None:
    """The container has the screen."""
