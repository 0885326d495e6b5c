"""A test project seen from outside: composer's records, the processes that they name, and ways to hurt them."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

from composer.engine.records import read_containers
from composer.observed import Container
from composer.store import ProjectPlaces, project_hash, read_json
from tests.command_line import Composer
from tests.eventually import eventually
from tests.host_state import look


def places_of(composer: Composer) -> ProjectPlaces:
    """The state and run folders of the one project that was brought up from the folder."""
    (places,) = composer.projects()
    return places


def record(composer: Composer, name: str) -> Container:
    """The record of a container by its full name (`shop-web-1`)."""
    found = {one.name: one for one in read_containers(places_of(composer))}
    assert name in found, f"no record of {name} among {sorted(found)}"
    return found[name]


def ids(composer: Composer) -> dict[str, str]:
    """Container name -> id."""
    return {one.name: one.id for one in read_containers(places_of(composer))}


def pid_of(composer: Composer, name: str) -> int:
    """PID 1 of a running container, as the host numbers it."""
    process = record(composer, name).process
    assert process is not None, f"{name} has no process"
    assert is_alive(process.pid), f"{name}: PID 1 is gone"
    return process.pid


def keepers(composer: Composer) -> dict[str, int]:
    """The pids of `guard` and `supervisor`, as the guard last wrote them down."""
    state = read_json(places_of(composer).guard_file)
    assert state is not None, "the project has no guard"
    return {"guard": state["guard"], "supervisor": state["supervisor"]}


def kill(pid: int) -> None:
    """SIGKILL, and wait until the process is gone (or a zombie that somebody has yet to collect)."""
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not is_alive(pid), timeout=5)


def is_alive(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    return False


def traces(composer: Composer) -> list[str]:
    """What bears the hash of the project in the folder: links, packet rules, mounts, groups, processes, folders."""
    hash_ = project_hash(composer.folder.name, str(composer.folder))
    found = [f"{kind}: {name}" for kind, names in look().items() for name in names if hash_ in name]
    places = composer.places.project(hash_)
    found += [str(folder) for folder in (places.state, places.run) if folder.exists()]
    return found + [f"process in group: {pid}" for pid in _grouped(hash_)]


def _grouped(hash_: str) -> list[str]:
    """Processes in a group of the project (guard, supervisor, containers)."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and hash_ in entry.joinpath("cgroup").read_text():
                found.append(entry.name)
    return found
