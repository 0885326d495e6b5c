"""Hot reload: from a file saved on the host to what a container's processes see, and what watching costs when nothing changes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import memory
from benchmarks.bench import Bench
from benchmarks.section import Goal, Section, paragraphs, table
from composer.engine.records import read_containers
from composer.store import read_json
from tests.command_line import Composer
from tests.eventually import eventually
from tests.watching import watching

FILE = """
services:
  web:
    image: busybox
    init: true
    command: [sleep, infinity]
    develop:
      watch:
        - {action: sync, path: ./source, target: /app}
        - {action: sync+restart, path: ./conf, target: /conf}
"""
#: Files at once, files in the tree of which nothing changes, seconds of looking at that, and its files a folder.
MANY, TREE, IDLE, EACH = 5000, 50_000, 10.0, 100
#: Milliseconds.
MEDIAN, HIGH, RESTART = 30.0, 60.0, 300.0

TEXT = """\
`composer watch` on a service that sleeps. **Visible**: from the beginning of the write on the host until who looks through the container's
root has the new content, {saves} saves, one after the other. **Restarted**: from the save of a file with `sync+restart` to the record
of the new process, {rounds} rounds. **{many} files** are written in a row, as a checkout does; the time until the last is there, and
of that the writing itself. **Idle**: a watched tree of {tree} files in which nothing changes, over {idle:g} s."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Milliseconds; CPU in milliseconds a minute, memory in KiB."""

    visible: Sequence[float]
    restarted: Sequence[float]
    many: float
    writing: float
    cpu: float
    watcher: int

    @property
    def high(self) -> float:
        """The 95th percentile."""
        return sorted(self.visible)[int(len(self.visible) * 0.95)]


def measure(bench: Bench) -> Section:
    composer = bench.place.project("reload")
    composer.write(FILE)
    source = composer.folder / "source"
    source.mkdir()
    with watching(composer):
        bench.say("saved files, one by one")
        visible = [save(composer, source / "page", number) for number in range(40 * bench.effort.rounds)]
        bench.say("restarts")
        restarted = [restart(composer, number) for number in range(bench.effort.rounds)]
        bench.say(f"{MANY} files at once")
        many, writing = checkout(composer, source)
    bench.say(f"a tree of {TREE} files")
    for number in range(TREE):
        write(source / "tree" / str(number // EACH) / f"{number}.txt", "")
    with watching(composer, "--no-up"):
        pids = watchers(composer)
        before = sum(map(cpu, pids))
        time.sleep(IDLE)
        spent = sum(map(cpu, pids)) - before
        weight = memory.of_processes(pids[:1])
    composer("down", "-t", "0")
    return section(Figures(visible, restarted, many, writing, spent * 1000 * 60 / IDLE, weight))


def watchers(composer: Composer) -> tuple[int, int]:
    """The pids of watcher and supervisor."""
    (project,) = composer.projects()
    supervisor = (read_json(project.guard_file) or {})["supervisor"]
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    return next(int(pid) for pid in children if "(watcher)" in Path(f"/proc/{pid}/cmdline").read_text()), supervisor


def save(composer: Composer, path: Path, number: int) -> float:
    """Milliseconds until it is visible; the pause before is that of nobody in particular."""
    time.sleep(0.05)
    inside = Path(f"/proc/{pid(composer)}/root/app/page")
    text = f"version {number}"
    begun = time.perf_counter()
    path.write_text(text)
    until(lambda: inside.read_text() == text)
    return (time.perf_counter() - begun) * 1000


def restart(composer: Composer, number: int) -> float:
    old = pid(composer)
    begun = time.perf_counter()
    write(composer.folder / "conf", f"version {number}")
    until(lambda: pid(composer) not in (0, old))
    return (time.perf_counter() - begun) * 1000


def checkout(composer: Composer, source: Path) -> tuple[float, float]:
    """Milliseconds until the last of many files is there, and of the writing."""
    inside = Path(f"/proc/{pid(composer)}/root/app/many")
    begun = time.perf_counter()
    for number in range(MANY):
        write(source / "many" / str(number // EACH) / f"{number}.txt", f"content of {number}" * 100)
    written = time.perf_counter()
    until(lambda: sum(len(os.listdir(folder)) for folder in inside.iterdir()) >= MANY, pause=0.01)
    return (time.perf_counter() - begun) * 1000, (written - begun) * 1000


def until(check: Callable[[], object], pause: float = 0.0005) -> None:
    eventually(check, 60, pause)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def pid(composer: Composer) -> int:
    """Of the container's PID 1 while it runs, else 0."""
    (container,) = read_containers(composer.projects()[0])
    return container.process.pid if container.process and container.status == "running" else 0


def cpu(pid: int) -> float:
    """Seconds of processor time (proc(5), stat: utime, stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def section(figures: Figures) -> Section:
    middle, restarted = median(figures.visible), median(figures.restarted)
    rows = [
        ("saved to visible, median", f"{middle:.0f} ms"),
        ("saved to visible, 95th percentile", f"{figures.high:.0f} ms"),
        ("saved to restarted, median", f"{restarted:.0f} ms"),
        (f"{MANY} files, from the first write to the last visible", f"{figures.many:.0f} ms ({figures.writing:.0f} ms of writing)"),
        (f"idle, {TREE} files: processor time of watcher and supervisor", f"{figures.cpu:.0f} ms a minute"),
        (f"idle, {TREE} files: memory of the watcher (PSS)", f"{figures.watcher / 1024:.0f} MiB"),
    ]
    goals = (
        Goal("a saved file visible in the container, median", MEDIAN, middle, "ms"),
        Goal("a saved file visible in the container, 95th percentile", HIGH, figures.high, "ms"),
        Goal("a saved file to the restarted process, median", RESTART, restarted, "ms"),
    )
    text = TEXT.format(saves=len(figures.visible), rounds=len(figures.restarted), many=MANY, tree=TREE, idle=IDLE)
    return Section("Hot reload", paragraphs(text, table(("", ""), rows)), goals)
