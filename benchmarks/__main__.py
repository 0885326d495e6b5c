"""Measure everything and write docs/benchmarks.md and its plot. Needs root; takes a few minutes; leaves nothing else behind."""

from __future__ import annotations

import argparse
import compileall
import os
import shlex
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks import idle, imports, machine, memory, phases, readiness
from benchmarks.floor import Floor
from benchmarks.idle import composer_round
from benchmarks.others import TOOLS, Tool
from benchmarks.report import PLOT, Results, markdown, plot
from benchmarks.times import Times
from benchmarks.workplace import REPOSITORY, Workplace, workplace
from composer.store import Places
from tests.command_line import Composer

CONFIG_SIZES = (1, 10, 100, 500)
COMMANDS = {"ps": ("ps",), "config": ("config",), "up -d (no-op)": ("up", "-d")}
NO_IMAGES = "Not measured: the example's images were not there. `make demo` makes them."


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--sizes", type=lambda text: tuple(map(int, text.split(","))), default=(1, 10, 50), metavar="N,N",
                        help="numbers of services (1,10,50)")
    parser.add_argument("--rounds", type=int, default=3, help="repetitions of everything (%(default)s)")
    parser.add_argument("--images", type=Path, default=Places.default().root, metavar="ROOT",
                        help="the COMPOSER_ROOT that has the images of examples/mvc (%(default)s)")
    parser.add_argument("--output", type=Path, default=REPOSITORY / "docs", metavar="FOLDER", help="where to write (docs)")
    return parser.parse_args()


def measure(options: argparse.Namespace, place: Workplace) -> Results:
    results = Results(machine.describe(), command(options), options.sizes, options.rounds)
    results.others = {tool.name: tool.installed() for tool in TOOLS}
    place.make_images("busybox")
    warm_up(place)
    with ExitStack() as stack:
        installed = [tool for tool in TOOLS if results.others[tool.name]]
        for tool in installed:
            stack.enter_context(tool.with_image(place.places, place.top / "image.tar"))
        floor = Floor.of(place.places)
        for size in options.sizes:
            measure_size(place, floor, installed, size, results)
    measure_config(place, results)
    results.readiness = readiness.measure(place) if readiness.copy_images(place, options.images) else NO_IMAGES
    return results


def command(options: argparse.Namespace) -> str:
    """The line that repeats this run, without the machine's own paths."""
    return shlex.join(["python", "-m", "benchmarks", "--sizes", ",".join(map(str, options.sizes)), "--rounds", str(options.rounds)])


def warm_up(place: Workplace) -> None:
    """Fills the caches, and has crun compile the filter that the floor uses as well."""
    composer = place.project("warm")
    composer.write(idle.compose_file(1))
    composer_round(composer, 1, Times(), lambda: None)


def measure_size(place: Workplace, floor: Floor, tools: list[Tool], size: int, results: Results) -> None:
    composer = place.project(f"idle{size}")
    composer.write(idle.compose_file(size))
    made: list[phases.Phases] = []
    for number in range(results.rounds):
        say(f"{size} services, round {number + 1} of {results.rounds}")
        composer_round(composer, size, results.times, lambda: look(composer, size, results, made))
        floor.round(size, results.times)
        for tool in tools:
            tool.round(composer.folder, size, results.times)
    if made:
        results.phases[size] = sorted(made, key=lambda one: one.whole)[len(made) // 2]


def look(composer: Composer, size: int, results: Results, made: list[phases.Phases]) -> None:
    """While the services are up: log, memory and, with the most services and only once, imports."""
    (project,) = composer.projects()
    if found := phases.of_log(project.log.read_text()):
        made.append(found)
    results.memory[size] = memory.read(project)
    if size == max(results.sizes) and not results.imports:
        results.imports = {name: imports.measure(composer, arguments, results.rounds) for name, arguments in COMMANDS.items()}


def measure_config(place: Workplace, results: Results) -> None:
    composer = place.project("config")
    for size in CONFIG_SIZES:
        say(f"config of {size} services")
        results.config[size] = median(idle.config_seconds(composer, size) for _ in range(results.rounds))


def say(text: str) -> None:
    print(f" {text}", file=sys.stderr, flush=True)


def main() -> int:
    options = parse()
    if os.geteuid():
        sys.exit("benchmarks: containers need root")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that everything is cleaned up
    compileall.compile_dir(REPOSITORY / "composer", quiet=2)  # compiling is never part of a figure
    with workplace() as place:
        results = measure(options, place)
    options.output.mkdir(exist_ok=True)
    (options.output / PLOT).write_text(plot(results))
    (options.output / "benchmarks.md").write_text(markdown(results))
    print(markdown(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
