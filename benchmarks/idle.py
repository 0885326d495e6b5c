"""N services of one idle process: up, no-op up, ps and down of composer, of the floor, and of the others that are installed."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from contextlib import ExitStack

from benchmarks import idle_text, others
from benchmarks.bench import Bench
from benchmarks.floor import Floor
from benchmarks.ours import Ours
from benchmarks.readings import Contender, Readings
from benchmarks.section import Section


def measure(bench: Bench) -> Section:
    readings = Readings(bench.effort.sizes)
    with ExitStack() as stack:
        contenders: list[Contender] = [Ours(bench.place), Floor.of(bench.place.places), *others.started(stack, bench, readings.absent)]
        for size in bench.effort.sizes:
            measure_size(bench, contenders, size, readings)
    return idle_text.section(readings)


def measure_size(bench: Bench, contenders: Sequence[Contender], size: int, readings: Readings) -> None:
    """Rounds of all take turns, so that what else the machine does meets all alike; they are over when composer's are."""
    for number in range(bench.effort.most):
        going = [one for one in contenders if one.name not in readings.absent
                 and bench.effort.allows(readings.times, one.name, size, least=one.least)]
        if contenders[0] not in going:
            break
        for one in going:
            bench.say(f"{size} services, round {number + 1}: {one.name}")
            attempt(one, size, readings)


def attempt(contender: Contender, size: int, readings: Readings) -> None:
    """Another's failure ends its part only, and is told. The first one is forgiven: Docker's networks sometimes trip over each other."""
    for _try in range(2):
        try:
            contender.round(size, readings)
            return
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as failed:
            said = (failed.stderr or b"").decode(errors="replace").strip().splitlines()
            reason = f"failed with {size} services, twice: {said[-1] if said else failed}"
    readings.absent[contender.name] = reason
