"""`composer events`: what happens to the project's containers, from the supervisor; what happened, from the file it keeps."""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from dataclasses import dataclass

from composer.commands.session import Session
from composer.events import Event
from composer.supervisor.chronicle import is_news, read_events


@dataclass(frozen=True, slots=True)
class EventsRequest:
    """Times are seconds since the epoch; without `since` only what happens from now on."""

    services: tuple[str, ...] = ()
    since: float | None = None
    until: float | None = None


def events(session: Session, request: EventsRequest, tell: Callable[[Event], None]) -> int:
    """Until Ctrl-C, until `until`, or until the project is gone. The past alone needs no supervisor."""
    name, places = session.identity()
    now = time.time()

    def hand_on(event: Event) -> None:
        late = request.until is not None and event.at > request.until
        if is_news(event) and not late and (not request.services or event.service in request.services):
            tell(event)

    if request.until is not None and request.until <= now:
        for event in read_events(places.events, since=request.since, until=request.until):
            hand_on(event)
        return 0
    client = session.reach(places, name)
    try:
        client.send("events", {"since": now if request.since is None else request.since})
        while True:
            left = None if request.until is None else max(0.0, request.until - time.time())
            if not select.select([client], [], [], left)[0]:
                client.cancel()
                return 0
            for message in client.receive():
                if "event" not in message:
                    return 0
                hand_on(Event.from_json(message["event"]))
    except KeyboardInterrupt:
        client.cancel()
        raise
    finally:
        client.close()
