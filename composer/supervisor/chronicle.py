"""What happened to the project's containers, kept in a file of bounded length: one event a line, as JSON."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from composer.engine.records import Records
from composer.errors import ComposerError, StorageError
from composer.events import Event
from composer.observed import Container
from composer.store import write_bytes

log = logging.getLogger("composer")

#: Events that come several times a second and mean nothing afterwards, and those that somebody will look for, in the supervisor's log.
PASSING, TROUBLE = frozenset({"pulling", "pushing", "line"}), frozenset({"error", "warning", "unhealthy", "oom", "orphaned"})
#: Bytes at which the older half is dropped.
LIMIT = 1 << 20
#: What is news about a container; steps under way are not.
NEWS = frozenset(
    {"created", "started", "restarted", "hook", "paused", "unpaused", "signalled", "killed", "exited", "stopped", "removed",
     "healthy", "unhealthy", "oom", "orphaned"}
)


@dataclass(slots=True)
class Chronicle:
    path: Path
    records: Records
    known: dict[str, Container] = field(default_factory=dict)  # by name, also of those that are gone

    def note(self, event: Event) -> Event:
        """The event with the container's id and image; written down if it is news. A full disk loses it, nothing else."""
        _log(event)
        kind, _, name = event.subject.partition("/")
        if kind != "container":
            return event
        with suppress(ComposerError):
            self.known[name] = self.records.named(name)
        container = self.known.get(name)
        if container is None:
            return event
        if event.action == "removed":
            del self.known[name]
        event = replace(event, container=container.id, image=container.image, service=container.service)
        if is_news(event):
            with suppress(OSError, StorageError):  # also after `down`: the folder is gone, and nobody is left to read
                self._write(event)
        return event

    def _write(self, event: Event) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with open(descriptor, "ab") as file:
            file.write(json.dumps(event.to_json(), separators=(",", ":")).encode() + b"\n")
            length = file.tell()
        if length > LIMIT:
            kept = self.path.read_bytes()[-LIMIT // 2 :]
            write_bytes(self.path, kept[kept.index(b"\n") + 1 :])


def _log(event: Event) -> None:
    if event.action not in PASSING:
        level = logging.WARNING if event.action in TROUBLE else logging.INFO
        log.log(level, "%s %s%s", event.subject, event.action, f": {event.detail}" if event.detail else "")


def is_news(event: Event) -> bool:
    """Whether `composer events` tells it."""
    return bool(event.container) and event.action in NEWS


def read_events(path: Path, *, since: float | None = None, until: float | None = None) -> Iterator[Event]:
    """What was kept, in order. Times are seconds since the epoch; a line that a crash cut short is left out."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        with suppress(json.JSONDecodeError, TypeError):
            event = Event.from_json(json.loads(line))
            if (since is None or event.at >= since) and (until is None or event.at <= until):
                yield event
