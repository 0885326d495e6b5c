"""When to run a health test before its regular tick: when the kernel shows that the service is there.

A container that declares TCP ports is probed when one of them newly listens, or listens under a new executable of PID 1;
one that declares none, 100 ms after its start. A failed early probe is repeated after 100 ms, 200, 400... (a server may listen before
it answers), as long as all of a container's early probes together stay below a tenth of its age. Nobody tells when a socket begins
to listen, so somebody has to look: at a pace that finds it at most 1 % later than it was there, and slower where many start at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from composer.model.ready import Tcp
from composer.model.service import Service

FIRST_GAP = 0.1
SHELLS = frozenset({"sh", "bash", "dash", "ash", "ksh", "zsh"})
INITS = frozenset({"docker-init", "tini", "tini-static", "dumb-init", "catatonit"})
#: Early probes of a container may take this part of the time since its start.
SHARE = 0.1
#: Looks are this part of the container's age apart, within these limits; all containers have one each in so many seconds for each of them
#: (a look costs 0.2 ms: together a tenth of a processor).
LOOK_PART, LOOK_SOONEST, LOOK_LATEST, LOOK_SHARE = 0.01, 0.02, 0.5, 0.002


@dataclass(frozen=True, slots=True)
class Early:
    """What early probing of one container knows. `probe_at` is None while there is nothing to ask."""

    ports: frozenset[int]  # declared TCP ports
    started_at: float
    probe_at: float | None
    gap: float = FIRST_GAP
    spent: float = 0.0
    listening: frozenset[int] = frozenset()  # declared ports that listened at the last look
    executable: str = ""  # what PID 1 ran when they began to


def declared_ports(service: Service, exposed: Iterable[str]) -> frozenset[int]:
    """TCP ports that the service says it will listen on: `ports` and `expose`, else the image's EXPOSE ("5432/tcp")."""
    own = {port.target for port in service.ports if port.protocol == "tcp"}
    return frozenset(own | _tcp(service.expose) or _tcp(exposed))


def awaited_ports(endpoint: Tcp) -> frozenset[int]:
    """What `x-composer.ready` waits for; nobody is shown listeners on loopback addresses."""
    return frozenset({endpoint.port}) if not endpoint.host else frozenset()


def explained(test: str, interval: float, ports: Iterable[int], *, eager: bool) -> str:
    """When a service is tested, for who waits for it."""
    numbers = ", ".join(map(str, sorted(ports)))
    soon = f"early when port {numbers} listens" if numbers else f"early from {FIRST_GAP:g} s on"
    return f"{test}, {soon}, then every {interval:g} s" if eager else f"{test}, every {interval:g} s"


def begin(ports: frozenset[int], now: float) -> Early:
    """Early probing of a container that starts now."""
    return Early(ports, now, probe_at=None if ports else now + FIRST_GAP)


def look(early: Early, listening: frozenset[int], executable: str, now: float) -> Early:
    """What changes with a reading of the listening ports and of PID 1's executable (`Runtime.listening`, `executable`)."""
    ours = listening & early.ports
    if early.ports and not ours:
        return replace(early, listening=ours, probe_at=None)
    if not ours - early.listening and executable == early.executable:
        return replace(early, listening=ours)
    # Without declared ports, a program that has just replaced the entrypoint gets a moment; a listener is asked at once.
    pause = 0.0 if ours else FIRST_GAP
    return replace(early, listening=ours, executable=executable, probe_at=now + pause, gap=FIRST_GAP)


def due(early: Early, now: float) -> bool:
    """Whether to run the test now. One probe a container at a time; how many at once in all is the caller's to limit."""
    if early.probe_at is None:
        return False
    return now >= max(early.probe_at, early.started_at + early.spent / SHARE)


def stir(early: Early, now: float) -> Early:
    """The kernel shows that something has happened: ask now, and then after the first gaps again."""
    return replace(early, probe_at=now, gap=FIRST_GAP)


def ran(early: Early, started_at: float, ended_at: float) -> Early:
    """After an early probe that did not settle it."""
    return replace(early, spent=early.spent + ended_at - started_at, probe_at=ended_at + early.gap, gap=early.gap * 2)


def believed(early: Early, executable: str, commands: Sequence[Sequence[str]]) -> bool:
    """Whether a success counts: PID 1 still runs what it ran when the listener was seen, and is to stay it.

    Entrypoints of database images run a temporary server first, and answer before they are what they will be. `commands` are the
    command lines of PID 1 and, behind it, of its children.
    """
    return executable == early.executable and not may_change(commands)


def may_change(commands: Sequence[Sequence[str]]) -> bool:
    """Whether PID 1, or what an init program runs for it, is a shell that may start another server yet: one that runs a script, or
    a text with `exec` or a background job in it. Of `sh -c "migrate && serve"` the server that listens is the last."""
    first, *children = commands or [()]
    looked_at = [first, *children] if first and _name(first[0]) in INITS else [first]
    return any(_is_unsettled_shell(words) for words in looked_at)


def _is_unsettled_shell(words: Sequence[str]) -> bool:
    if not words or _name(words[0]) not in SHELLS:
        return False
    options = [word for word in words[1:] if word.startswith("-")]
    if not any("c" in option for option in options):
        return True  # a script, or a shell that waits for input
    text = next((word for word in words[1:] if not word.startswith("-")), "")
    return bool(re.search(r"\bexec\b|(?<![&>])&(?![&>0-9])", text))


def _name(path: str) -> str:
    return path.rpartition("/")[2].removeprefix("-")


def next_look(early: Early, now: float, looked_at: int) -> float:
    """When to read again what listens, where so many containers are looked at."""
    return now + min(max((now - early.started_at) * LOOK_PART, LOOK_SOONEST, looked_at * LOOK_SHARE), LOOK_LATEST)


def _tcp(entries: Iterable[str]) -> set[int]:
    """`8080`, `8080/tcp`, `3000-3005/tcp` as single ports."""
    found: set[int] = set()
    for entry in entries:
        span, _, protocol = entry.partition("/")
        if protocol in ("", "tcp"):
            first, _, last = span.partition("-")
            found.update(range(int(first), int(last or first) + 1))
    return found
