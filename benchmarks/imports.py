"""What the command lines import, by Python's own account (`-X importtime`), which itself makes imports slower by a few percent."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.bench import Bench
from benchmarks.section import Section, paragraphs, table
from benchmarks.work import compose_file
from tests.command_line import Composer

COMMANDS = {"ps": ("ps",), "config": ("config",), "up -d (no-op)": ("up", "-d")}
SERVICES = 2
HEAVIEST = 4
#: Own time and top-level package.
LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\w+)")


@dataclass(frozen=True, slots=True)
class Imports:
    """`heaviest`: top-level packages with their own share, the largest first. Times in milliseconds."""

    modules: int
    total: float
    heaviest: tuple[tuple[str, float], ...]


def measure(bench: Bench) -> Section:
    bench.say("imports")
    composer = bench.place.project("imports")
    composer.write(compose_file(SERVICES))
    composer("up", "-d")
    try:
        return section({name: middle(composer, arguments, bench.effort.rounds) for name, arguments in COMMANDS.items()})
    finally:
        composer("down", "-t", "1")


def middle(composer: Composer, arguments: Sequence[str], rounds: int) -> Imports:
    """The round in the middle."""
    argv = [sys.executable, "-X", "importtime", *composer.argv(*arguments)[1:]]
    readings = [parse(_stderr(composer, argv)) for _ in range(rounds)]
    return sorted(readings, key=lambda one: one.total)[len(readings) // 2]


def _stderr(composer: Composer, argv: Sequence[str]) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, cwd=composer.folder, env=composer.environment(), timeout=60, check=True)
    return done.stderr


def parse(text: str) -> Imports:
    """From lines `import time: SELF | CUMULATIVE | MODULE`, in microseconds; other lines are none of ours."""
    shares: Counter[str] = Counter()
    modules = 0
    for line in text.splitlines():
        if match := LINE.match(line):
            shares[match[2]] += int(match[1])
            modules += 1
    heaviest = tuple((name, share / 1000) for name, share in shares.most_common(HEAVIEST))
    return Imports(modules, sum(shares.values()) / 1000, heaviest)


def section(found: Mapping[str, Imports]) -> Section:
    rows = [[f"`{name}`", str(one.modules), f"{one.total:.0f}", ", ".join(f"{package} {share:.0f}" for package, share in one.heaviest)]
            for name, one in found.items()]
    shown = table(("command", "modules", "ms", "of these"), rows)
    return Section("Imports", paragraphs("Milliseconds by `python -X importtime`, which adds a few percent.", shown))
