"""docker compose and podman-compose on the same services, where they are installed: each with an engine, a store and a network that are
made for it and end with it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.machine import version
from benchmarks.memory import of_processes
from benchmarks.readings import Readings
from benchmarks.times import ACTIONS
from benchmarks.work import IMAGE, PATIENCE, compose_file
from benchmarks.workplace import Workplace
from composer.images.tools import skopeo_target
from composer.runtime.cgroups import detect
from tests.differential import reference
from tests.dockerd import dockerd
from tests.enclosure import Enclosure, enclosure, remove_groups

DOCKER, PODMAN = "docker compose", "podman-compose"
#: The cgroup in which podman puts its containers.
PODMAN_GROUP = "libpod_parent"


@dataclass(frozen=True, slots=True)
class Other:
    """`command` is what a user calls, as a prefix: of the project's folder."""

    name: str
    command: Callable[[Path], list[str]]
    environ: Mapping[str, str]
    enclosure: Enclosure
    top: Path
    least: int = 1

    def round(self, size: int, readings: Readings) -> None:
        folder = self.top / f"idle{size}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "compose.yaml").write_text(compose_file(size))
        try:
            self._life(folder, size, readings)
        except subprocess.SubprocessError:
            subprocess.run([*self.command(folder), *ACTIONS["down"]], cwd=folder, env=self.environ, stdin=subprocess.DEVNULL,
                           capture_output=True, timeout=PATIENCE, check=False)
            raise

    def _life(self, folder: Path, size: int, readings: Readings) -> None:
        for action, arguments in ACTIONS.items():
            if action == "down":
                self._look(folder, size, readings)
            begun = time.monotonic()
            self._run(folder, *arguments)
            readings.times.add(self.name, action, size, time.monotonic() - begun)

    def _look(self, folder: Path, size: int, readings: Readings) -> None:
        """A command that ends well may still not have started them all."""
        running = len(self._run(folder, "ps", "-q").split())
        if running != size:
            raise subprocess.CalledProcessError(1, self.name, stderr=f"only {running} of {size} services run".encode())
        readings.memory[self.name, size] = {"all": of_processes(self.enclosure.processes())}

    def _run(self, folder: Path, *arguments: str) -> bytes:
        done = subprocess.run([*self.command(folder), *arguments], cwd=folder, env=self.environ, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=PATIENCE, check=True)
        return done.stdout


def started(stack: ExitStack, bench: Bench, absent: dict[str, str]) -> Iterator[Other]:
    """Those that are installed, ready; the reasons of the others into `absent`."""
    for name, (missing, start) in TOOLS.items():
        if lacking := missing():
            absent[name] = f"not installed ({lacking})"
            continue
        bench.say(f"{name}: starting its engine")
        try:
            yield stack.enter_context(start(bench.place))
        except (subprocess.SubprocessError, AssertionError) as failed:
            absent[name] = f"does not start here: {failed}"


def versions() -> dict[str, str]:
    """Of those that are here."""
    programs = {DOCKER: reference.find(), PODMAN: _podman_compose()}
    return {name: version([program, "version", "--short"]) for name, program in programs.items() if program}


def _lacking(programs: Mapping[str, str | None]) -> str:
    return ", ".join(name for name, found in programs.items() if not found)


def _docker_lacks() -> str:
    return _lacking({"dockerd": shutil.which("dockerd"), "docker-compose": reference.find()})


@contextmanager
def docker(place: Workplace) -> Iterator[Other]:
    """The `docker-compose` program itself, which is what `docker compose` starts."""
    program, top = reference.find(), place.top / "docker"
    assert program
    with dockerd(top / "engine") as engine:
        engine.give(place.places, IMAGE)
        environ = {"PATH": os.environ["PATH"], "HOME": str(top), "DOCKER_HOST": engine.host}
        yield Other(DOCKER, lambda _folder: [program], environ, engine.enclosure, top)


def _podman_lacks() -> str:
    return _lacking({"podman": shutil.which("podman"), "netavark": _netavark(), "podman-compose": _podman_compose()})


def _netavark() -> str | None:
    return shutil.which("netavark", path="/usr/lib/podman:/usr/libexec/podman")


def _podman_compose() -> str | None:
    """Also beside this Python."""
    return shutil.which("podman-compose", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")


@contextmanager
def podman(place: Workplace) -> Iterator[Other]:
    """Its commands run inside, because podman has no process that could be asked from outside."""
    program, top = _podman_compose(), place.top / "podman"
    assert program
    (top / "networks").mkdir(parents=True)
    (top / "containers.conf").write_text(
        '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\nruntime = "crun"\n'
        f'[network]\nnetwork_backend = "netavark"\nnetwork_config_dir = "{top}/networks"\n')
    (top / "storage.conf").write_text(f'[storage]\ndriver = "overlay"\ngraphroot = "{top}/store"\nrunroot = "/run/containers/storage"\n')
    environ = {"PATH": os.environ["PATH"], "HOME": str(top), "CONTAINERS_CONF": str(top / "containers.conf"),
               "CONTAINERS_STORAGE_CONF": str(top / "storage.conf")}
    groups = detect(Path("/proc/self/mountinfo").read_text())
    known = any((top / PODMAN_GROUP).exists() for top in groups.hierarchies)
    try:
        with enclosure(unmounted=groups.hidden) as inside:
            archive = top / "image.tar"
            copy = ["skopeo", "copy", "--quiet", skopeo_target(place.places, IMAGE), f"docker-archive:{archive}:{IMAGE}"]
            load = inside.argv("podman", "load", "--quiet", "--input", str(archive))
            for argv in (["unshare", "--mount", "--propagation=slave", *copy], load):
                subprocess.run(argv, env=environ, capture_output=True, check=True)
            yield Other(PODMAN, lambda folder: inside.argv(program, folder=folder), environ, inside, top)
    finally:
        if not known:
            remove_groups(PODMAN_GROUP)


TOOLS = {DOCKER: (_docker_lacks, docker), PODMAN: (_podman_lacks, podman)}
