"""Measure and write docs/benchmarks.md and its drawings. Needs root; takes up to eight minutes; leaves nothing else behind."""

from __future__ import annotations

import argparse
import compileall
import os
import shlex
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import machine, others, ours
from benchmarks.bench import Bench
from benchmarks.effort import FULL, QUICK, Effort
from benchmarks.measurements import MEASUREMENTS
from benchmarks.report import page
from benchmarks.section import Section
from benchmarks.workplace import REPOSITORY, workplace


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few services, one round: to try the benchmark itself")
    parser.add_argument("--sizes", type=_numbers, metavar="N,N", help=f"numbers of services {FULL.sizes}")
    parser.add_argument("--budget", type=float, metavar="S", help=f"seconds that a tool gets for a size, about ({FULL.budget:g})")
    parser.add_argument("--longest", type=float, metavar="S", help=f"leave out a size whose round would take longer ({FULL.longest:g})")
    parser.add_argument("--keeping", type=float, metavar="S", help=f"seconds to look after idle services ({FULL.keeping:g})")
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(MEASUREMENTS), metavar="NAME,NAME",
                        help=f"of {', '.join(MEASUREMENTS)}; the page is printed and not written")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="where to write (docs)")
    return parser.parse_args(arguments)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


def effort(options: argparse.Namespace) -> Effort:
    named = {name: getattr(options, name) for name in ("sizes", "budget", "longest", "keeping") if getattr(options, name)}
    return replace(QUICK if options.quick else FULL, **named)


def measure(bench: Bench, names: Sequence[str]) -> list[Section]:
    bench.place.make_images("busybox")
    ours.warm_up(bench)
    return [MEASUREMENTS[name](bench) for name in names]


def write(folder: Path, text: str, sections: Sequence[Section]) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "benchmarks.md").write_text(text)
    for section in sections:
        for name, drawing in section.drawings.items():
            (folder / name).write_text(drawing)


def main() -> int:
    options, begun = parse(sys.argv[1:]), time.monotonic()
    if os.geteuid():
        sys.exit("benchmarks: containers need root")
    if unknown := set(options.only) - set(MEASUREMENTS):
        sys.exit(f"benchmarks: there is no {', '.join(sorted(unknown))}: choose from {', '.join(MEASUREMENTS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that everything is cleaned up
    compileall.compile_dir(REPOSITORY / "composer", quiet=2)  # compiling is never part of a figure
    with workplace() as place:
        bench = Bench(place, effort(options))
        facts = machine.describe() | others.versions()
        sections = measure(bench, options.only)
    facts |= machine.course(bench.loads, time.monotonic() - begun)
    text = page(facts, shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]]), sections)
    folder = options.output or (REPOSITORY / "docs" if set(options.only) == set(MEASUREMENTS) and not options.quick else None)
    if folder:
        write(folder, text, sections)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
