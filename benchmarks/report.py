"""All readings of one run -> docs/benchmarks.md and its plot. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.imports import Imports
from benchmarks.memory import Memory
from benchmarks.phases import Phases
from benchmarks.plot import Panel, bars
from benchmarks.readiness import Readiness
from benchmarks.times import ACTIONS, COMPOSER, FLOOR, Times

PLOT = "benchmarks.svg"

IDLE = """\
N services of one idle process (`sh`, asleep in a read, ends on SIGTERM) on one network. Seconds of wall time of the real
command line, medians of {rounds}. **Floor**: the same N containers, that is the same namespaces, capabilities, limits and
compiled seccomp filter, by bare conmon and `crun create` and `start` (then `kill` and `delete`), 4 at a time, on a plain root
file system: no image store, no overlay, no network set-up, no supervisor. Rounds of composer and floor take turns."""

PHASES = """By the supervisor's log, seconds in the median round; creates and starts overlap. *Outside* is the command line: starting,
loading the file, waiting for the supervisor's imports."""

READINESS = """\
`up -d --wait` with an empty database; seconds since it was called. **Port open**: a watcher in the project's network namespace
first got a TCP connection. **Healthy**: composer's event. A port that opens is not yet a service that answers: the health check
asks for more, and what it takes itself is in the difference."""


@dataclass(slots=True)
class Results:
    machine: Mapping[str, str]
    command: str
    sizes: Sequence[int]
    rounds: int
    times: Times = field(default_factory=Times)
    others: dict[str, bool] = field(default_factory=dict)  # name -> installed
    memory: dict[int, Memory] = field(default_factory=dict)
    phases: dict[int, Phases] = field(default_factory=dict)
    imports: dict[str, Imports] = field(default_factory=dict)
    config: dict[int, float] = field(default_factory=dict)
    readiness: Readiness | str = ""  # or why there is none


def markdown(results: Results) -> str:
    """The page."""
    sections = [
        "# Benchmarks\n\nWritten by `make bench`; do not edit.",
        table(("", ""), results.machine.items()),
        f"Again: `{results.command}`",
        "## Idle services\n\n" + IDLE.format(rounds=results.rounds) + f"\n\n![up and down against the floor]({PLOT})",
        idle_table(results),
        "### Where `up` spends it\n\n" + PHASES,
        phases_table(results),
        "### Memory\n\nProportional set size while the services are up, MiB.",
        memory_table(results),
        "## Imports\n\nMilliseconds by `python -X importtime`, which adds a few percent.",
        imports_table(results),
        "## `composer config`\n\nSeconds for that many services.",
        table([str(size) for size in results.config], [[f"{value:.2f}" for value in results.config.values()]]),
        "## Readiness of `examples/mvc`",
        readiness_text(results.readiness),
    ]
    return "\n\n".join(sections) + "\n"


def plot(results: Results) -> str:
    """`up` and `down`, a bar a tool."""
    tools = (COMPOSER, FLOOR, *(name for name, there in results.others.items() if there))
    return bars([_panel(results, action, tools) for action in ("up", "down")], tools)


def _panel(results: Results, action: str, tools: Sequence[str]) -> Panel:
    return Panel(f"{action} (s)", {f"N = {size}": [results.times.median(tool, action, size) for tool in tools] for size in results.sizes})


def idle_table(results: Results) -> str:
    rows = [[action, str(size), *_cells(results, action, size)] for action in ACTIONS for size in results.sizes]
    return table(("", "N", COMPOSER, FLOOR, "ratio", *results.others), rows)


def _cells(results: Results, action: str, size: int) -> list[str]:
    ours, floor = (seconds(results.times.median(tool, action, size)) for tool in (COMPOSER, FLOOR))
    ratio = results.times.ratio(action, size)
    others = [seconds(results.times.median(name, action, size)) if there else "not installed" for name, there in results.others.items()]
    return [ours, floor, f"{ratio:.1f}" if ratio else "", *others]


def phases_table(results: Results) -> str:
    rows = [[str(size), *_phases(one, results.times.median(COMPOSER, "up", size))] for size, one in results.phases.items()]
    return table(("N", "sandbox, network", "creates", "starts", "supervisor", "outside"), rows)


def _phases(one: Phases, wall: float | None) -> list[str]:
    return [seconds(value) for value in (one.sandbox, one.create, one.start, one.whole, wall and wall - one.whole)]


def memory_table(results: Results) -> str:
    return table(("N", "guard", "supervisor", "all conmons", "sum"), [[str(size), *_memory(one)] for size, one in results.memory.items()])


def _memory(one: Memory) -> list[str]:
    return [f"{kib / 1024:.1f}" for kib in (one.guard, one.supervisor, one.conmons, one.guard + one.supervisor + one.conmons)]


def imports_table(results: Results) -> str:
    rows = [[f"`{name}`", str(one.modules), f"{one.total:.0f}", ", ".join(f"{package} {share:.0f}" for package, share in one.heaviest)]
            for name, one in results.imports.items()]
    return table(("command", "modules", "ms", "of these"), rows)


def readiness_text(readiness: Readiness | str) -> str:
    if isinstance(readiness, str):
        return readiness
    rows = [[name, *map(seconds, (one.connected, one.healthy, one.healthy - one.connected))] for name, one in readiness.services.items()]
    shown = table(("service", "port open", "healthy", "difference"), rows)
    return f"{READINESS}\n\n{shown}\n\n`up -d --wait` was back after {readiness.up:.2f} s."


def seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [list(row) for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in [list(head), ["---"] * len(head), *lines])
