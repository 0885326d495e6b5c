"""Readings of idle services -> their section: tables, goals and the drawing. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from benchmarks.plot import Panel, lines
from benchmarks.readings import Readings
from benchmarks.section import Goal, Section, paragraphs, table
from benchmarks.times import ACTIONS, COMPOSER, FLOOR, Times

PLOT = "benchmarks.svg"
TOOLS = (COMPOSER, FLOOR, "docker compose", "podman-compose")
OTHERS = TOOLS[2:]
MIB = 1024
#: (action, services) -> seconds that it may take.
SECONDS = {("up", 1): 0.45, ("up", 50): 1.74, ("no-op up", 50): 0.25, ("ps", 50): 0.1}
#: How many times the floor these may take with so many services, and the share of docker compose's time that `up` may.
TIMES_FLOOR, FLOOR_ACTIONS, FLOOR_SIZE, SHARE_OF_DOCKER = 3.0, ("up", "down"), 50, 0.1
#: MB for composer's own processes: of a project, and a service more.
MEMORY, MEMORY_EACH = 40.0, 0.6

TEXT = """\
N services of one idle process (`sh`, asleep in a read, ends on SIGTERM) on one network. Seconds of wall time of the real command line,
the median and in brackets the fastest and the slowest round; rounds of all take turns. **Floor**: the same N containers, that is the same
namespaces, capabilities, limits and compiled seccomp filter, by bare conmon and `crun create` and `start` (then `kill` and `delete`), 4 at
a time, on a plain root file system: no image store, no overlay, no network set-up, no supervisor. **x** says how many times as long as the
column before it: composer against the floor, the others against composer. docker compose (with an engine that already runs) and
podman-compose each have an engine, a store and a network namespace of their own."""

MEMORY_TEXT = """\
### Memory

Proportional set size while the services are up, MiB: composer's guard, supervisor and conmons (one a container); for docker compose
dockerd, containerd and the shims; for podman-compose the conmons and the name server. The services' own processes are not counted."""


def section(readings: Readings) -> Section:
    text = paragraphs(TEXT, absence(readings.absent), f"![seconds by number of services]({PLOT})", times_table(readings),
                      MEMORY_TEXT, memory_table(readings))
    return Section("Idle services", text, tuple(goals(readings)), {PLOT: plot(readings)})


def absence(absent: Mapping[str, str]) -> str:
    """Why a column is missing."""
    return "\n".join(f"- {name}: {why}" for name, why in absent.items())


def goals(readings: Readings) -> Iterator[Goal]:
    """Those of which the figures are there."""
    times = readings.times
    for (action, size), limit in SECONDS.items():
        if (measured := times.median(COMPOSER, action, size)) is not None:
            yield Goal(f"`{action}` of {size}", limit, measured)
    for action in FLOOR_ACTIONS:
        if ratio := times.ratio(action, FLOOR_SIZE):
            yield Goal(f"`{action}` of {FLOOR_SIZE} against the floor", TIMES_FLOOR, ratio, "times")
    if share := times.ratio("up", FLOOR_SIZE, to="docker compose"):
        yield Goal(f"`up` of {FLOOR_SIZE} against docker compose", SHARE_OF_DOCKER, share, "times")
    for (name, size), parts in readings.memory.items():
        if name == COMPOSER:
            yield Goal(f"memory with {size} services", MEMORY + MEMORY_EACH * size, sum(parts.values()) * 1024 / 1e6, "MB")


def times_table(readings: Readings) -> str:
    others = [name for name in OTHERS if _measured(readings, name)]
    rows = [[f"`{action}`", str(size), *_own(readings.times, action, size), *_others(readings.times, action, size, others)]
            for action in ACTIONS for size in readings.sizes]
    return table(("", "N", COMPOSER, FLOOR, "x", *(head for name in others for head in (name, "x"))), rows)


def _measured(readings: Readings, name: str) -> bool:
    return any(tool == name for tool, _, _ in readings.times.samples)


def _own(times: Times, action: str, size: int) -> list[str]:
    return [_cell(times, COMPOSER, action, size), _cell(times, FLOOR, action, size), _times(times.ratio(action, size))]


def _others(times: Times, action: str, size: int, names: Sequence[str]) -> list[str]:
    return [text for name in names
            for text in (_cell(times, name, action, size), _times(times.ratio(action, size, of=name, to=COMPOSER)))]


def _cell(times: Times, tool: str, action: str, size: int) -> str:
    """`0.60 (0.52 to 0.71)`; without the brackets when there was one round."""
    middle, spread = times.median(tool, action, size), times.spread(tool, action, size)
    if middle is None or spread is None:
        return ""
    return f"{middle:.2f}" if spread[0] == spread[1] else f"{middle:.2f} ({spread[0]:.2f} to {spread[1]:.2f})"


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.1f}"


def memory_table(readings: Readings) -> str:
    others = [name for name in OTHERS if any(tool == name for tool, _ in readings.memory)]
    rows = [[str(size), *_memory(readings.memory.get((COMPOSER, size), {})),
             *(_mib(sum(readings.memory[name, size].values())) if (name, size) in readings.memory else "" for name in others)]
            for size in readings.sizes]
    return table(("N", "guard", "supervisor", "conmons", "composer", *others), rows)


def _memory(parts: Mapping[str, int]) -> list[str]:
    return [_mib(kib) for kib in (*parts.values(), sum(parts.values()))]


def _mib(kib: int) -> str:
    return f"{kib / MIB:.1f}"


def plot(readings: Readings) -> str:
    """A panel an action, a line a tool."""
    names = [name for name in TOOLS if _measured(readings, name)]
    return lines([Panel(action, {name: _points(readings, name, action) for name in names}) for action in ACTIONS], names)


def _points(readings: Readings, name: str, action: str) -> list[tuple[float, float]]:
    found = ((size, readings.times.median(name, action, size)) for size in readings.sizes)
    return [(float(size), value) for size, value in found if value]


