"""`composer config`, the whole process, against docker compose's own."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.bench import Bench
from benchmarks.section import Goal, Section, paragraphs, seconds, table
from benchmarks.work import PATIENCE, compose_file
from tests.command_line import Composer
from tests.differential import reference

#: Services -> seconds that `composer config` may take.
GOALS = {1: 0.15, 10: 0.16, 100: 0.3, 500: 1.0}
TEXT = """\
Medians of {rounds} runs of the whole process, on services that each have an image, a command, an environment with a variable to fill
in, a port, a health check and a dependency."""

SERVICE = """\
    environment: {{LEVEL: "${{LEVEL:-info}}", NAME: s{number}}}
    ports: ["{port}:80"]
    healthcheck: {{test: [CMD, "true"], interval: 5s}}
    depends_on: [{before}]
"""


@dataclass(frozen=True, slots=True)
class Durations:
    """Seconds; `theirs` is None where there is no docker-compose."""

    ours: float
    theirs: float | None


def measure(bench: Bench) -> Section:
    composer, program, found = bench.place.project("config"), reference.find(), {}
    for size in bench.effort.config_sizes:
        bench.say(f"config of {size} services")
        composer.write(project(size))
        pairs = [(composer("config", timeout=PATIENCE).seconds, theirs(program, composer)) for _ in range(bench.effort.rounds)]
        reference_times = [pair[1] for pair in pairs if pair[1] is not None]
        found[size] = Durations(median(pair[0] for pair in pairs), median(reference_times) if reference_times else None)
    return section(found, bench.effort.rounds)


def project(size: int) -> str:
    """The idle services, with a little of what every file has."""
    lines = compose_file(size).splitlines(keepends=True)
    services = ["".join(lines[at : at + 3]) for at in range(1, len(lines), 3)]
    return lines[0] + "".join(text + _details(number) for number, text in enumerate(services))


def _details(number: int) -> str:
    return SERVICE.format(number=number, port=20000 + number, before=f"s{number - 1}" if number else "")


def theirs(program: str | None, composer: Composer) -> float | None:
    if program is None:
        return None
    begun = time.monotonic()
    subprocess.run([program, "config"], cwd=composer.folder, capture_output=True, timeout=PATIENCE, check=True)
    return time.monotonic() - begun


def section(found: Mapping[int, Durations], rounds: int) -> Section:
    goals = tuple(Goal(f"`config` of {size}", GOALS[size], one.ours) for size, one in found.items() if size in GOALS)
    body = table(("services", "composer", "docker compose"), _rows(found))
    return Section("`composer config`", paragraphs(TEXT.format(rounds=rounds), body), goals)


def _rows(found: Mapping[int, Durations]) -> Sequence[Sequence[str]]:
    return [[str(size), seconds(one.ours), seconds(one.theirs) or "not installed"] for size, one in found.items()]
