"""Where the time of an `up` goes, as `composer up --profile-phases` says itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.bench import Bench
from benchmarks.section import Section, paragraphs, table
from benchmarks.work import PATIENCE, compose_file

#: The larger sizes tell no more.
SIZES = (1, 10, 50)
ROUNDS = 3

TEXT = """\
What `composer up -d --profile-phases` prints for N idle services, seconds, the round in the middle of {rounds}. The phases follow one
another; the indented steps of the plan run side by side: how long one takes on average."""


@dataclass(frozen=True, slots=True)
class Profile:
    """`phases`: name -> seconds, in their order; steps begin with INDENT."""

    phases: Mapping[str, float]
    whole: float


INDENT = "&emsp;"


def measure(bench: Bench) -> Section:
    found = {}
    for size in [size for size in SIZES if size <= max(bench.effort.sizes)]:
        bench.say(f"phases of up with {size} services")
        composer = bench.place.project(f"phases{size}")
        composer.write(compose_file(size))
        rounds = []
        for _round in range(min(ROUNDS, bench.effort.rounds)):
            rounds.append(parse(composer("--progress", "json", "up", "-d", "--profile-phases", timeout=PATIENCE).said))
            composer("down", "-t", "1", timeout=PATIENCE)
        found[size] = sorted(rounds, key=lambda one: one.whole)[len(rounds) // 2]
    return section(found, len(rounds))


def parse(output: str) -> Profile:
    """The line `{"profile": ...}` among those of `--progress json`."""
    said = next(json.loads(line)["profile"] for line in output.splitlines() if line.startswith('{"profile"'))
    return Profile({_name(row): row["total"] / (row.get("count") or 1) for row in said["rows"]}, said["whole"])


def _name(row: Mapping[str, object]) -> str:
    return f"{INDENT if row.get('depth') else ''}{row['phase']}"


def section(found: Mapping[int, Profile], rounds: int) -> Section:
    rows = [[name, *(_cell(one, name) for one in found.values())] for name in _names(list(found.values()))]
    rows.append(["**all**", *(f"{one.whole:.3f}" for one in found.values())])
    return Section("Where `up` spends it", paragraphs(TEXT.format(rounds=rounds), table(("", *(f"N = {size}" for size in found)), rows)))


def _names(profiles: Sequence[Profile]) -> list[str]:
    return list(dict.fromkeys(name for one in profiles for name in one.phases))


def _cell(profile: Profile, name: str) -> str:
    return f"{profile.phases[name]:.3f}" if name in profile.phases else ""
