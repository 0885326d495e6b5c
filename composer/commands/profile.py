"""Where the time of a command went (`--profile-phases`): what command line and supervisor stamp, and the events -> rows."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from composer.commands.session import Audience
    from composer.events import Event
    from composer.supervisor.logs import LogLine

#: What the supervisor did, one after another.
STAGES = {
    "observing": "look at what is there",
    "images": "images",
    "planning": "plan",
    "checking": "checks, ports",
    "executing": "carry out the plan",
    "settling": "look for early deaths",
}
#: Words that begin a step, and what it is called.
WORK = {
    "creating": "create", "starting": "start", "waiting": "wait for", "stopping": "stop", "removing": "remove", "pulling": "pull",
    "building": "build", "joining": "join", "leaving": "leave",
}


@dataclass(frozen=True, slots=True)
class Row:
    """Seconds. `count` is 0 for what is not counted; `longest`: who took `most`. Rows of `depth` 1 are parts of one above, and overlap."""

    phase: str
    total: float
    depth: int = 0
    count: int = 0
    most: float = 0.0
    longest: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """`path`: (step, cause, seconds) of the steps that decided how long the plan took."""

    rows: tuple[Row, ...]
    path: tuple[tuple[str, str, float], ...]
    whole: float


@dataclass(slots=True)
class Recorder:
    """An Audience that hands on what it hears and remembers the events. `show` gets the report when the command is done."""

    audience: Audience
    show: Callable[[Report], None]
    begun: float
    marks: list[tuple[str, float]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def event(self, event: Event) -> None:
        self.events.append(event)
        self.audience.event(event)

    def log(self, name: str, service: str, line: LogLine) -> None:
        self.audience.log(name, service, line)

    def records(self, name: str, block: bytes) -> None:
        self.audience.records(name, block)

    def expect(self, names: Iterable[str]) -> None:
        self.audience.expect(names)

    def warn(self, text: str) -> None:
        self.audience.warn(text)

    def mark(self, phase: str) -> None:
        """What the command line did until now."""
        self.marks.append((phase, time.time()))

    def told(self, timing: dict[str, Any]) -> None:
        """The supervisor is done: what it stamped."""
        self.show(report(self.begun, self.marks, timing, self.events, time.time()))


def process_begun() -> float:
    """When this process was started, in seconds since the epoch; the kernel counts in hundredths (proc(5), stat, field 22)."""
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    return time.time() - (time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK"))


def report(begun: float, marks: Sequence[tuple[str, float]], timing: dict[str, Any], events: Iterable[Event], now: float) -> Report:
    """Pure. The rows of depth 0 add up to the whole."""
    stages = [(STAGES[name], at) for name, at in timing["stages"]]
    steps = _steps(events)
    rows: list[Row] = []
    at = begun
    for phase, ended in [*marks, ("reach the supervisor", timing["begun"]), *stages, ("answer", now)]:
        rows.append(Row(phase, ended - at))
        rows += [row for row in steps if _is_part(row, phase)]
        at = ended
    path = tuple((one["step"], one["cause"], one["ended"] - one["began"]) for one in timing["path"])
    return Report(tuple(rows), path, now - begun)


def _is_part(row: Row, phase: str) -> bool:
    of_images = row.phase.endswith(" image")
    return phase == STAGES["images" if of_images and not row.phase.startswith("remove") else "executing"]


def _steps(events: Iterable[Event]) -> list[Row]:
    """One row for each kind of step, in the order of their first ends."""
    doing: dict[str, str] = {}
    taken: dict[str, list[tuple[float, str]]] = {}
    for event in events:
        if event.action in WORK:
            doing[event.subject] = WORK[event.action]
        elif event.seconds is not None and event.subject in doing:
            kind, _, name = event.subject.partition("/")
            taken.setdefault(f"{doing.pop(event.subject)} {kind}", []).append((event.seconds, name))
    return [Row(kind, sum(seconds for seconds, _ in all_), 1, len(all_), *max(all_)) for kind, all_ in taken.items()]
