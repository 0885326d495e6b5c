"""Events and log lines -> text. Progress goes to stderr, logs to stdout. On a terminal progress is live; elsewhere one line a resource."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, Protocol

from composer.events import Event

if TYPE_CHECKING:
    from composer.supervisor.logs import LogLine

#: Words that say that something is over; the others are shown on a terminal only.
FINAL = frozenset(
    {
        "created",
        "started",
        "stopped",
        "killed",
        "copied",
        "synced",
        "executed",
        "changed",
        "watching",
        "paused",
        "unpaused",
        "removed",
        "pulled",
        "pushed",
        "built",
        "healthy",
        "running",
        "exited",
        "ready",
        "succeeded",
        "provided",
        "withdrawn",
        "error",
        "warning",
        "restarting",
        "unhealthy",
        "oom",
        "orphaned",
    }
)
#: Colours of log prefixes, as docker compose goes through them (ECMA-48 SGR).
COLORS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)


#: What conmon writes in front of a whole line: time, stream, F (supervisor/logs.py).
RECORD = re.compile(rb"^[0-9T:.+-]{25,} std(?:out|err) F ", re.MULTILINE)
#: Which ends of containers are news: those that were not asked for, all, or none.
Ends = Literal["failed", "all", "none"]


class Progress(Protocol):
    def show(self, event: Event) -> None: ...

    def clear(self) -> None:
        """Make room for other output."""


class Printer:
    """The Audience of all commands."""

    def __init__(
        self,
        progress: str,
        ansi: str,
        *,
        prefix: bool,
        timestamps: bool,
        color: bool,
        ends: Ends = "none",
        hushed: frozenset[str] = frozenset(),
    ) -> None:
        self._progress = _progress(progress, ansi)
        self._prefix, self._timestamps = prefix, timestamps
        self._color = color and (ansi == "always" or (ansi == "auto" and sys.stdout.isatty() and "NO_COLOR" not in os.environ))
        self._ends = ends
        self._hushed = hushed  # `build`, `pull`: only their ends are shown
        self._doing: dict[str, str] = {}  # image -> what is done with it
        self._names: list[str] = []
        self._heads: dict[str, str] = {}  # what stands in front of their lines
        self._began: set[tuple[str, str]] = set()  # streams in the middle of a line

    def event(self, event: Event) -> None:
        if not (event.subject.startswith("container/") and self._is_no_news(event)) and not self._is_hushed(event):
            self._progress.show(event)

    def _is_no_news(self, event: Event) -> bool:
        """That a service is healthy is told of the service, when somebody waits for it."""
        if event.action == "exited":
            return self._ends == "none" or (self._ends == "failed" and event.detail == "code 0")
        return event.action in ("starting", "healthy", "signalled", "restarted")

    def _is_hushed(self, event: Event) -> bool:
        if event.action in ("building", "pulling"):
            self._doing[event.subject] = event.action.removesuffix("ing")
        return self._doing.get(event.subject) in self._hushed and event.action not in FINAL

    def expect(self, names: Iterable[str]) -> None:
        """The containers whose lines may come, so that they stand in one column from the first line on."""
        self._names += [name for name in names if name not in self._names]
        self._heads.clear()

    def warn(self, text: str) -> None:
        self._progress.clear()
        print(f"composer: {text}", file=sys.stderr)

    def log(self, name: str, service: str, line: LogLine) -> None:  # noqa: ARG002  # every audience is told the service
        """A line of a container; parts of a long line come without a newline in between."""
        self._progress.clear()
        whole = (name, line.stream) not in self._began
        head = f"{self._head(name)}{self._stamp(line)}" if whole else ""
        sys.stdout.write(f"{head}{line.text}{'' if line.partial else chr(10)}")
        sys.stdout.flush()
        (self._began.add if line.partial else self._began.discard)((name, line.stream))

    def records(self, name: str, block: bytes) -> None:
        """At the speed of the disk where each record is a whole line and its time is not shown; else line by line."""
        text, count = (b"", -1) if self._timestamps or self._began else RECORD.subn(self._head(name).encode(), block)
        if count == block.count(b"\n"):
            sys.stdout.buffer.write(text)
            return
        from composer.supervisor.logs import parse

        for record in block.splitlines():
            self.log(name, "", parse(record))

    def _head(self, name: str) -> str:
        if not self._prefix:
            return ""
        if name not in self._heads:
            self.expect([name])
            self._heads[name] = self._new_head(name)
        return self._heads[name]

    def _new_head(self, name: str) -> str:
        text = f"{name:<{max(map(len, self._names))}}  | "
        return f"\033[{COLORS[self._names.index(name) % len(COLORS)]}m{text}\033[0m" if self._color else text

    def _stamp(self, line: LogLine) -> str:
        return f"{datetime.fromtimestamp(line.at, UTC).isoformat().replace('+00:00', 'Z')} " if self._timestamps else ""


def _progress(mode: str, ansi: str) -> Progress:
    if mode == "auto":
        mode = "tty" if sys.stderr.isatty() and ansi != "never" else "plain"
    if mode == "tty":
        from composer.cli.live import Live

        return Live()
    kinds: dict[str, type[Plain] | type[Json] | type[Quiet]] = {"plain": Plain, "json": Json, "quiet": Quiet}
    return kinds[mode]()


class Plain:
    """One line a resource, when it is what it should be."""

    def show(self, event: Event) -> None:
        if event.action in FINAL or event.action == "awaiting":
            print(sentence(event), file=sys.stderr, flush=True)
        elif event.action == "line":
            print(f" {event.subject}: {event.detail}", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Lines do not stand in the way of lines."""


class Json:
    """Every event as a JSON object on a line."""

    def show(self, event: Event) -> None:
        print(json.dumps(event.to_json()), file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Lines do not stand in the way of lines."""


class Quiet:
    """Errors only."""

    def show(self, event: Event) -> None:
        """The command's own error says it."""

    def clear(self) -> None:
        """Nothing is shown."""


def sentence(event: Event) -> str:
    """` Container shop-db-1  Healthy  1.9s`."""
    kind, _, name = event.subject.partition("/")
    if event.action in ("warning", "error"):
        first, *_ = event.detail.splitlines()  # the command's own error says the rest
        return f" {kind.capitalize()} {name}  {event.action.capitalize()}: {first}"
    detail = f" ({event.detail})" if event.detail else ""
    spent = f"  {event.seconds:.1f}s" if event.seconds is not None else ""
    return f" {kind.capitalize()} {name}  {event.action.capitalize()}{detail}{spent}"


def ago(moment: float) -> str:
    """`3 seconds`, `About a minute`, `2 hours`: as Docker says it."""
    seconds = max(0, int(time.time() - moment))
    for limit, unit, text in (
        (60, 1, "second"),
        (3600, 60, "minute"),
        (172800, 3600, "hour"),
        (1209600, 86400, "day"),
        (5184000, 604800, "week"),
    ):
        if seconds < limit:
            number = seconds // unit
            if number == 1 and unit > 1:
                return "About an hour" if unit == 3600 else f"About a {text}" if unit == 60 else f"1 {text}"
            return "Less than a second" if not number else f"{number} {text}{'s' if number != 1 else ''}"
    return f"{seconds // 2592000} months"
