"""Memory of composer's own processes: proportional set size, which shares out the pages that several processes have in common (proc(5))."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from composer.engine.records import read_containers
from composer.store import ProjectPlaces, read_json


@dataclass(frozen=True, slots=True)
class Memory:
    """In KiB; `conmons` is the sum over all of them."""

    guard: int
    supervisor: int
    conmons: int


def read(places: ProjectPlaces) -> Memory:
    """Of a project that is up."""
    pids = read_json(places.guard_file) or {}
    holders = [one.holder.pid for one in read_containers(places) if one.holder]
    return Memory(_pss(pids["guard"]), _pss(pids["supervisor"]), sum(_pss(pid) for pid in holders))


def _pss(pid: int) -> int:
    return pss(Path(f"/proc/{pid}/smaps_rollup").read_text())


def pss(rollup: str) -> int:
    """The line `Pss:` of a smaps_rollup, in KiB."""
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
