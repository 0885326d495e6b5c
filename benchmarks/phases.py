"""Where the time of an `up` goes, by the supervisor's own log. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) (\S+) (\S+)(?: (\S+))?")


@dataclass(frozen=True, slots=True)
class Phases:
    """Seconds. Creates and starts overlap: each is from the first one's begin to the last one's end."""

    sandbox: float  # namespace, uplink and networks
    create: float
    start: float
    whole: float  # from request to answer, in the supervisor


def of_log(text: str) -> Phases | None:
    """The first `up` in the log; None when it has none that made containers."""
    lines = [match.groups() for line in text.splitlines() if (match := LINE.match(line))]
    took = next((float(third) for _, verb, word, third in lines if (verb, word) == ("up", "took") and third), None)
    made = [(moment(at), subject, action) for at, subject, action, _ in lines]
    create = _window(made, "container/", "creating", "created")
    if took is None or create is None:
        return None
    sandbox = [_window(made, kind, "creating", "created") or 0.0 for kind in ("sandbox/", "network/")]
    return Phases(sum(sandbox), create, _window(made, "container/", "starting", "started") or 0.0, took)


def moment(text: str) -> float:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S,%f").timestamp()


def _window(lines: Iterable[tuple[float, str, str]], kind: str, begin: str, end: str) -> float | None:
    chosen = [(at, action) for at, subject, action in lines if subject.startswith(kind)]
    begun, ended = [at for at, action in chosen if action == begin], [at for at, action in chosen if action == end]
    return max(ended) - min(begun) if begun and ended else None
