"""The floor: the same processes in the same namespaces with the same filter, by bare conmon and crun and nothing else."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.readings import Readings
from benchmarks.times import FLOOR, Times
from benchmarks.work import COMMAND, IMAGE
from composer.host import ContainerSpec, ImageConfig, Rootfs
from composer.images.driver import ImageStore
from composer.model.service import Service
from composer.process import run
from composer.runtime import bundle, conmon, facts, seccomp
from composer.runtime.cgroups import Groups
from composer.runtime.launcher import in_own_mounts
from composer.runtime.machine import Facts
from composer.runtime.programs import program
from composer.runtime.signals import wait_for_end
from composer.store import ContainerPlaces, Places, ProjectPlaces, remove_tree, write_json

AT_ONCE = 4
PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Floor:
    project: ProjectPlaces
    groups: Groups
    root: Path  # the plain root file system of all containers
    filter: bundle.Seccomp
    facts: Facts
    crun: str
    name: str = FLOOR
    least: int = 3

    @classmethod
    def of(cls, places: Places) -> Floor:
        """In the state `places` of a composer that has run a container: its image and its compiled filter are used."""
        project = Places(places.root / "floor", places.run / "f").project(secrets.token_hex(6))
        groups, crun = Groups.of_project(project.hash), program("crun")
        own = facts.read(groups.layout)
        capabilities = bundle.container_capabilities(Service(name="idle", image=IMAGE), own)
        filter_, _ = seccomp.FilterStore(places.root / "seccomp").choose(capabilities, crun)
        assert filter_.annotations, "composer has kept no compiled filter: the floor would compile one for each container"
        return cls(project, groups, unpack(places, project.top.root / "rootfs"), filter_, own, crun)

    def round(self, size: int, readings: Readings) -> None:
        """One life of `size` containers. All in one mount namespace, in which crun sees cgroups as it does under composer."""
        places = [self.project.container(f"floor{number}") for number in range(size)]
        try:
            self._prepare(places)
            in_own_mounts(partial(self._round, places, readings.times), hidden=self.groups.layout.hidden)
        finally:
            self._clean(places)

    def _round(self, places: Sequence[ContainerPlaces], times: Times) -> None:
        try:
            times.add(FLOOR, "up", len(places), timed(lambda: side_by_side(self._bring_up, places)))
            times.add(FLOOR, "down", len(places), timed(lambda: side_by_side(self._take_down, places)))
        finally:
            for folder in self.groups.layout.hidden:  # crun takes what is below the mount for a controller and writes plain files there
                remove_tree(folder / self.groups.parent)

    def _prepare(self, places: Iterable[ContainerPlaces]) -> None:
        for folder in (self.project.exits, self.project.attach, self.project.oci):
            folder.mkdir(parents=True, exist_ok=True)
        self.groups.prepare()
        for place in places:
            service = Service(name=place.id, image=IMAGE, command=COMMAND)
            spec = ContainerSpec(place.id, place.id, service, ImageConfig(), place.id, self.crun)
            group = self.groups.path_of(place.id)
            write_json(place.config, bundle.config(spec, Rootfs(self.root, ()), self.facts, cgroup=group, seccomp=self.filter))

    def _bring_up(self, place: ContainerPlaces) -> None:
        conmon.start(conmon.Holding(place, place.id, self.crun))
        run([self.crun, f"--root={self.project.oci}", "start", place.id])

    def _take_down(self, place: ContainerPlaces) -> None:
        run([self.crun, f"--root={self.project.oci}", "kill", place.id, "KILL"])
        wait_for_end(int((place.folder / conmon.CONTAINER_PID).read_text()), PATIENCE)
        run([self.crun, f"--root={self.project.oci}", "delete", place.id])

    def _clean(self, places: Iterable[ContainerPlaces]) -> None:
        for place in places:
            self.groups.kill(place.id)
            conmon.end(place, PATIENCE)
        self.groups.remove_all()
        remove_tree(self.project.state)
        remove_tree(self.project.run)


def unpack(places: Places, target: Path) -> Path:
    """The image's file system as plain files; hard links stay links."""
    image = ImageStore(places).find(IMAGE)
    assert image is not None, f"{IMAGE} is not in the store"
    target.mkdir(parents=True)
    for layer in reversed(image.layers):
        run(["cp", "-a", f"{layer}/.", str(target)])
    return target


def side_by_side(work: Callable[[ContainerPlaces], None], places: Iterable[ContainerPlaces]) -> None:
    """Threads made here share the caller's mount namespace."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(work, places))


def timed(work: Callable[[], None]) -> float:
    begun = time.monotonic()
    work()
    return time.monotonic() - begun
