"""What `ps` says against what the kernel says."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from composer.engine.records import read_containers
from composer.runtime.cgroups import Groups
from composer.store import ProjectPlaces
from tests.chaos.shop import Shop

RUNTIMES = ("crun", "runc", "exe")


def first_processes(places: ProjectPlaces) -> dict[int, str]:
    """PID 1 of every container that has processes -> id, from the cgroups; also one that waits for `start`."""
    groups = Groups.of_project(places.hash)
    found = {}
    for folder in (groups.layout.hierarchies[0] / groups.parent / "c").glob("*"):
        for pid in groups.members(folder.name):
            if _is_first(pid):
                found[pid] = folder.name
    return found


def check_ps(shop: Shop) -> dict[str, str]:
    """Who is said to run has a PID 1 that runs what it should; nobody runs whom `ps` does not say to run. Service -> state."""
    rows = shop.composer.ps()
    ids = {one.id: one.name for one in read_containers(shop.places)}
    running = {ids.get(id_, id_[:12]) for pid, id_ in first_processes(shop.places).items() if _works(pid)}
    claimed = {row["Name"] for row in rows if row["State"] == "running"}
    assert claimed == running, f"ps says {sorted(claimed)} run, and these do: {sorted(running)}"
    return {row["Service"]: row["State"] for row in rows}


def _is_first(pid: int) -> bool:
    """PID 1 of a namespace of its own (proc(5), NSpid)."""
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        if any(line.startswith("State:\tZ") for line in lines):
            return False
        numbers = next(line.split()[1:] for line in lines if line.startswith("NSpid:"))
        return len(numbers) > 1 and numbers[-1] == "1"
    return False


def _works(pid: int) -> bool:
    """Not the OCI runtime any more, which waits there for `start`."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip() not in RUNTIMES and "crun" not in Path(f"/proc/{pid}/exe").readlink().name
    return False
