"""Where the rounds happen: a state of composer's own, a project folder, and a cgroup that shows whatever strays."""

from __future__ import annotations

import os
import secrets
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from composer.engine.records import read_containers
from composer.runtime.cgroups import Groups
from composer.store import Places, remove_tree
from tests.chaos.plan import make
from tests.chaos.rounds import Report, converge, leave_nothing, play
from tests.chaos.shop import Shop
from tests.command_line import Composer
from tests.eventually import eventually


@contextmanager
def shop(places: Places, folder: Path) -> Iterator[Shop]:
    """The project, up; taken down at the end with all that it had."""
    made = Shop(Composer(folder, places), free_port())
    made.write()
    try:
        converge(made, Report(make(0, 0)))
        yield made
    finally:
        made.composer.clear()


@contextmanager
def own_places() -> Iterator[Places]:
    """Folders of our own with busybox in the image store."""
    from tests.e2e.conftest import CACHE, copy_store, make_images

    tag = secrets.token_hex(3)
    places = Places(Path(f"/var/tmp/cx-{tag}"), Path(f"/run/cx-{tag}"))
    make_images(CACHE, "busybox")
    try:
        copy_store(CACHE.images, places.images)
        yield places
    finally:
        for one in (places.root, places.run, CACHE.run):
            remove_tree(one)


@contextmanager
def own_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="cx-") as folder:
        project = Path(folder) / f"cx{secrets.token_hex(3)}"
        project.mkdir()
        yield project


@contextmanager
def fence() -> Iterator[Path]:
    """A cgroup that this process and all commands are born in: who is there at the end, and is not this process, strayed."""
    layout = Groups.of_project("0").layout
    top = layout.unified or layout.hierarchies[0]
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    mine = next(line.split(":", 2)[2] for line in lines if (line.startswith("0::") if layout.unified else line.split(":")[1] == top.name))
    home, fenced = top / mine.lstrip("/"), top / f"cx-{secrets.token_hex(3)}"
    fenced.mkdir()
    (fenced / "cgroup.procs").write_text(str(os.getpid()))
    try:
        yield fenced
    finally:
        (home / "cgroup.procs").write_text(str(os.getpid()))
        with suppress(OSError):
            fenced.rmdir()


def strayed(fenced: Path) -> list[str]:
    """Processes that a command left behind in the fence."""
    found = []
    for pid in (fenced / "cgroup.procs").read_text().split():
        if int(pid) != os.getpid():
            with suppress(OSError):
                found.append(f"{pid} {Path(f'/proc/{pid}/cmdline').read_bytes().decode(errors='replace')[:80]}")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def one_round(made: Shop, seed: int, number: int, fenced: Path) -> str:
    """Empty when all held, else the report. The project is up afterwards, by force if need be."""
    report = Report(make(seed, number))
    try:
        play(made, report.plan, report)
        if report.plan.ends_with_down:
            eventually(lambda: not strayed(fenced) or _complain(strayed(fenced)), timeout=5)
        return ""
    except Exception as broken:
        report.note(f"{type(broken).__name__}: {broken}")
        report.note(_state(made))
    try:
        leave_nothing(made)
        report.note("(`down` cleaned up well)")
    except Exception as broken:
        report.note(f"then `down`: {broken}")
        with suppress(Exception, AssertionError):
            made.composer.clear()
        made.write()  # what clears may have put another file there
        made.lines = 0
    return report.text()


def _complain(found: list[str]) -> bool:
    raise AssertionError(f"strayed processes: {found}")


def _state(made: Shop) -> str:
    """Records and the last of the supervisor's log."""
    records = [f"{one.name} {one.status} {one.process and one.process.pid}" for one in read_containers(made.places)]
    log = made.places.log.read_text().splitlines()[-25:] if made.places.log.exists() else []
    return "\n".join(["records:", *records, "supervisor.log:", *log])
