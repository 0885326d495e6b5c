"""Memory of processes: proportional set size, which shares out the pages that several processes have in common (proc(5)). In KiB."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from composer.engine.records import read_containers
from composer.store import ProjectPlaces, read_json


def of_project(places: ProjectPlaces) -> dict[str, int]:
    """Of a project that is up; `conmons` is the sum over all of them."""
    pids = read_json(places.guard_file) or {}
    holders = [one.holder.pid for one in read_containers(places) if one.holder]
    return {"guard": of_processes([pids["guard"]]), "supervisor": of_processes([pids["supervisor"]]), "conmons": of_processes(holders)}


def of_processes(pids: Iterable[int]) -> int:
    """The sum; a process that has ended has none."""
    total = 0
    for pid in pids:
        with suppress(OSError):
            total += pss(Path(f"/proc/{pid}/smaps_rollup").read_text())
    return total


def pss(rollup: str) -> int:
    """The line `Pss:` of a smaps_rollup."""
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
