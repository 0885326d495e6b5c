"""A place of its own for runtime tests: a tiny root file system, a project in a temporary folder, containers that are all removed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from composer.host import ContainerSpec, Created, Ended, ImageConfig, OciMount, Rootfs
from composer.model.service import Service
from composer.runtime.driver import OciRuntime
from composer.runtime.signals import wait_for_end
from composer.store import Places, ProjectPlaces

APPLETS = ("sh", "sleep", "cat", "ls", "id", "true", "false", "echo", "mount", "grep", "touch", "env", "dd", "head", "tail", "hostname",
           "nc", "kill", "wc", "mkdir", "seq", "pwd", "ps", "test", "chmod")
#: Holds that much of it in memory.
EAT_MEMORY = "tail -c 200m /dev/zero"

needs_root = os.geteuid() == 0
missing = [name for name in ("crun", "runc", "conmon", "busybox") if shutil.which(name) is None]


def tiny_root(folder: Path) -> Path:
    """busybox and its links, nothing else."""
    for name in ("bin", "etc", "proc", "sys", "dev", "tmp", "root", "sbin", "usr"):
        (folder / name).mkdir(parents=True)
    shutil.copy(shutil.which("busybox") or "", folder / "bin/busybox")
    for name in APPLETS:
        (folder / "bin" / name).symlink_to("busybox")
    (folder / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nweb:x:33:44::/var/www:/bin/sh\n")
    (folder / "etc/group").write_text("root:x:0:\nweb:x:44:\nmail:x:8:web\n")
    return folder


def host_programs(root: Path) -> tuple[OciMount, ...]:
    """The host's own /usr, read-only, for init programs and Python; `root` gets the links that lead there."""
    for name in ("lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    return (OciMount("/usr", "bind", "/usr", ("rbind", "ro")),)


@dataclass(slots=True)
class World:
    folder: Path
    places: ProjectPlaces
    runtime: OciRuntime
    root: Path
    oci: str = "crun"
    ids: list[str] = field(default_factory=list)
    #: What the container sees besides the image.
    mounts: tuple[OciMount, ...] = ()
    rootfs: dict[str, Any] = field(default_factory=dict)

    def spec(self, id_: str, command: Sequence[str], **attributes: Any) -> ContainerSpec:
        own = {key: attributes.pop(key) for key in ("stdin", "lasting", "tty") if key in attributes}
        image = attributes.pop("image_config", ImageConfig())
        service = Service(name="web", image="tiny", command=tuple(command), **attributes)
        return ContainerSpec(id_, f"test-{id_}", service, image, "box", self.oci, **own)

    def prepare(self, id_: str) -> Rootfs:
        place = self.places.container(id_)
        for path in (place.upper, place.work, place.rootfs):
            path.mkdir(parents=True, exist_ok=True)
        options = f"lowerdir={self.root},upperdir={place.upper},workdir={place.work}"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, place.rootfs], check=True)
        return Rootfs(place.rootfs, self.mounts, **self.rootfs)

    def create(self, id_: str, *command: str, **attributes: Any) -> Created:
        self.ids.append(id_)
        return self.runtime.create(self.spec(id_, command, **attributes), lambda: self.prepare(id_))

    def start(self, id_: str, *command: str, **attributes: Any) -> Created:
        created = self.create(id_, *command, **attributes)
        self.runtime.start(id_, self.oci)
        return created

    def finish(self, id_: str, created: Created, patience: float = 10.0) -> Ended:
        assert wait_for_end(created.process.pid, patience), "the container does not end"
        return self.runtime.ended(id_)

    def output(self, id_: str, *command: str, **attributes: Any) -> str:
        """What a container prints, once it has ended well."""
        ended = self.finish(id_, self.start(id_, *command, **attributes))
        assert ended.code == 0, (ended, self.log(id_))
        return self.log(id_)

    def log(self, id_: str) -> str:
        """The container's lines, without conmon's time, stream and tag."""
        text = self.places.container(id_).log.read_text()
        return "\n".join(re.sub(r"^\S+ std(?:out|err) [FP] ?", "", line) for line in text.splitlines())

    def exec(self, id_: str, *command: str, **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.runtime.exec_argv(id_, self.oci, command, **options), capture_output=True, text=True, check=False)

    def traces(self) -> list[str]:
        """All that is still there of the project: cgroup folders, processes, mounts, files of runtime and conmon."""
        groups = self.runtime.groups
        folders = [str(path) for top in groups.layout.hierarchies for path in (top / groups.parent).glob("c/*/")]
        mounts = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(self.folder) in line]
        files = [str(path) for name in ("exits", "attach", "oci", "exec") for path in (self.places.run / name).glob("*")]
        return [*folders, *mounts, *files, *self._processes()]

    def _processes(self) -> list[str]:
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(self.folder) in line and "pytest" not in line:
                found.append(line)
        return found

    def close(self) -> None:
        for id_ in dict.fromkeys(self.ids):
            self.runtime.delete(id_, self.oci)
        self.runtime.remove_groups()


@contextmanager
def world(folder: Path, hash_: str, oci: str = "crun") -> Iterator[World]:
    """A project of its own; at the end all its containers and groups are removed."""
    places = Places(folder / "root", folder / "run").project(hash_)
    made = World(folder, places, OciRuntime(places), tiny_root(folder / "tiny"), oci)
    try:
        yield made
    finally:
        made.close()

