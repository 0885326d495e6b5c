"""What a project costs while nothing happens but its health checks: processor time and memory of guard and supervisor."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import memory
from benchmarks.bench import Bench
from benchmarks.section import Goal, Section, number, paragraphs, table
from benchmarks.work import COMMAND, IMAGE
from composer.engine.records import read_containers
from composer.runtime.cgroups import Groups
from composer.store import ProjectPlaces, read_json
from tests.command_line import Composer
from tests.eventually import eventually

SERVICES = 20
#: Name -> what each service says of its health; all are asked each second.
CHECKS: Mapping[str, Mapping[str, object]] = {
    "none": {},
    "ready: file": {"x-composer": {"ready": {"file": "/etc/passwd", "interval": "1s"}}},
    "ready: tcp": {"x-composer": {"ready": {"tcp": 80, "interval": "1s"}}},
    "ready: http": {"x-composer": {"ready": {"http": {"port": 80, "path": "/passwd"}, "interval": "1s"}}},
    "healthcheck": {"healthcheck": {"test": ["CMD", "true"], "interval": "1s"}},
}
#: What answers `tcp` and `http`.
SERVER = ("httpd", "-f", "-p", "80", "-h", "/etc")

TEXT = """\
{services} services, each asked for its health once a second, for {seconds:g} s ({duration} sets that). "Supervisor" is guard and supervisor
with the programs that they start; "all" is everything in the project's cgroup, so also the containers' share of answering. A `healthcheck`
starts a program in the container: nearly all of its cost is the OCI runtime's `exec`. In percent of one processor; memory is
proportional set size."""


@dataclass(frozen=True, slots=True)
class Cost:
    """`supervisor` and `everything`: percent of one processor; memory in KiB."""

    supervisor: float
    everything: float
    before: int
    after: int


def measure(bench: Bench) -> Section:
    costs: dict[str, Cost] = {}
    for name, check in CHECKS.items():
        bench.say(f"{SERVICES} services, health: {name}, for {bench.effort.keeping:g} s")
        composer = bench.place.project(f"keeping{len(costs)}")
        composer.write(compose_file(check))
        composer("up", "-d", "--wait")
        try:
            costs[name] = watch(composer, bench.effort.keeping, checked=bool(check))
        finally:
            composer("down", "-t", "1")
    return section(costs, bench.effort.keeping)


def compose_file(check: Mapping[str, object]) -> str:
    command = SERVER if "x-composer" in check else COMMAND
    return json.dumps({"services": {f"s{one}": {"image": IMAGE, "command": command, **check} for one in range(SERVICES)}})


def watch(composer: Composer, seconds: float, *, checked: bool) -> Cost:
    (project,) = composer.projects()
    pids = [int((read_json(project.guard_file) or {})[who]) for who in ("guard", "supervisor")]
    eventually(lambda: all(one.health == ("healthy" if checked else "") for one in read_containers(project)))
    before, begun, spent, used = memory.of_processes(pids), time.monotonic(), effort(pids), usage(project)
    time.sleep(seconds)
    took = time.monotonic() - begun
    assert all(one.health == ("healthy" if checked else "") for one in read_containers(project)), "not what was to be measured"
    return Cost(100 * (effort(pids) - spent) / took, 100 * (usage(project) - used) / took, before, memory.of_processes(pids))


def effort(pids: list[int]) -> float:
    """Seconds of processor time, of children that have ended, too (proc(5), stat)."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(value) for one in fields for value in one[11:15]) / os.sysconf("SC_CLK_TCK")


def usage(project: ProjectPlaces) -> float:
    """Seconds of processor time of all that is, or was, in the project's cgroup."""
    groups = Groups.of_project(project.hash)
    if groups.layout.version == 1:
        top = groups.layout.controller("cpuacct")
        assert top is not None
        return int((top / groups.parent / "cpuacct.usage").read_text()) / 1e9
    assert groups.layout.unified is not None
    lines = (groups.layout.unified / groups.parent / "cpu.stat").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("usage_usec")) / 1e6


def section(costs: Mapping[str, Cost], seconds: float) -> Section:
    body = table(
        ("health", "supervisor (%)", "all (%)", "memory (MiB)", "memory at the end (MiB)"),
        ([name, number(one.supervisor), number(one.everything), f"{one.before / 1024:.1f}", f"{one.after / 1024:.1f}"]
         for name, one in costs.items()),
    )
    text = TEXT.format(services=SERVICES, seconds=seconds, duration="`BENCH=--keeping=600`")
    return Section("Idle, with health checks", paragraphs(text, body), (
        Goal("processor, nothing to do", 0.5, costs["none"].supervisor, "%"),
        Goal("processor, 20 http probes a second", 10, costs["ready: http"].supervisor, "%"),
    ))
