"""Finding and killing processes of the one project: by its cgroups, its records and guard.json, never by a name alone."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from composer.runtime.cgroups import Groups
from composer.store import ProjectPlaces, read_json
from tests.chaos.plan import Round, Target
from tests.chaos.truth import first_processes

#: Seconds that a target may take to appear; a short-lived child may not come at all.
PATIENCE = 1.0


def strike(places: ProjectPlaces, cli: subprocess.Popen[str], plan: Round) -> dict[str, str]:
    """Kill one process for each target, all in the same moment if they can be had together; what was hit, by target."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = {target: pids for target in plan.targets if (pids := _pids(target, places, cli))}
        if len(found) == len(plan.targets) or time.monotonic() > deadline:
            break
    chosen = {target: pids[int(plan.choice * len(pids))] for target, pids in found.items()}
    hit: dict[str, str] = {}
    for target, pid in chosen.items():
        name = _name(pid)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            hit[target] = f"{pid} {name}"
    return hit


def _pids(target: Target, places: ProjectPlaces, cli: subprocess.Popen[str]) -> list[int]:
    if target == "cli":
        return [cli.pid] if cli.poll() is None else []
    if target == "init":
        return sorted(first_processes(places))
    keepers = {name: pid for name, pid in (read_json(places.guard_file) or {}).items() if name in ("guard", "supervisor")}
    if target in ("guard", "supervisor"):
        pid = keepers.get(target, 0)
        return [pid] if pid and _name(pid).startswith("composer: ") else []
    others = [pid for pid in _keeping_group(places) if pid not in keepers.values()]
    holders = [pid for pid in others if Path(_name(pid).split(" ")[0]).name == "conmon"]
    if target == "conmon":
        return holders
    return [pid for pid in others if pid not in holders and (name := _name(pid)) and "composer" not in name.split("--root")[0]]


def _keeping_group(places: ProjectPlaces) -> list[int]:
    """The group of guard, supervisor, conmons and of what these start."""
    groups = Groups.of_project(places.hash)
    with suppress(OSError):
        return [int(pid) for pid in (groups.layout.hierarchies[0] / groups.parent / "supervisor/cgroup.procs").read_text().split()]
    return []


def _name(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace")[:80]
    return ""
