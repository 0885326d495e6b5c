"""Where the project's processes live in the cgroup tree (cgroups(7)), on v2, v1 and hybrid hosts.

    PARENT/supervisor   guard, supervisor, all conmons
    PARENT/c/ID         one container

Processes are in leaves only: v2 forbids them beside child groups. PARENT is `composer/HASH`; where systemd is PID 1 and
v2 is in use it is `composer.slice/composer-HASH.scope`, a scope with Delegate=yes, because systemd owns all the rest. On v1
systemd leaves the controllers' trees to others, so that no scope is needed.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from inotify_simple import INotify, flags

from composer import process
from composer.errors import ContainerError
from composer.runtime.signals import wait_for_end

TOP = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Layout:
    """The mounted hierarchies. `version` is the one that containers get their limits from; `unified` is the v2 tree, which on a
    hybrid host stands beside the v1 `controllers`."""

    version: Literal[1, 2]
    unified: Path | None = None
    controllers: tuple[Path, ...] = ()

    @property
    def hierarchies(self) -> tuple[Path, ...]:
        return (*self.controllers, *((self.unified,) if self.unified else ()))

    @property
    def hidden(self) -> tuple[Path, ...]:
        """What a container's mount namespace must not have: crun 1.8 refuses a v2 tree beside v1 controllers."""
        return (self.unified,) if self.version == 1 and self.unified else ()

    def controller(self, name: str) -> Path | None:
        """The v1 hierarchy of a controller, which may be mounted together with others (`cpu,cpuacct`)."""
        return next((path for path in self.controllers if name in path.name.split(",")), None)

    def accounts_swap(self) -> bool:
        """Whether a swap limit can be set (cgroup_enable=memory swapaccount=1 on older kernels)."""
        if self.version == 1:
            memory = self.controller("memory")
            return memory is not None and (memory / "memory.memsw.limit_in_bytes").exists()
        return Path("/proc/swaps").exists()


def detect(mountinfo: str, top: Path = TOP) -> Layout:
    """The layout from the text of /proc/self/mountinfo (proc(5))."""
    lines = (line.partition(" - ") for line in mountinfo.splitlines())
    mounts = [(Path(before.split()[4]), after.split()[0]) for before, _, after in lines if after]
    unified = [path for path, kind in mounts if kind == "cgroup2" and path.is_relative_to(top)]
    controllers = tuple(dict.fromkeys(path for path, kind in mounts if kind == "cgroup" and path.is_relative_to(top)))
    if top in unified:
        return Layout(2, top)
    if not controllers:
        raise ContainerError(f"no cgroup hierarchy is mounted at {top}", hint="mount cgroup2 there, or run composer where it is mounted")
    return Layout(1, unified[0] if unified else None, controllers)


def parent_group(hash_: str, layout: Layout, *, systemd: bool) -> str:
    """The project's own node, from the root of each hierarchy."""
    return f"composer.slice/{scope_name(hash_)}" if systemd and layout.version == 2 else f"composer/{hash_}"


def scope_name(hash_: str) -> str:
    return f"composer-{hash_}.scope"


@dataclass(frozen=True, slots=True)
class Groups:
    """The cgroups of one project."""

    layout: Layout
    hash: str
    systemd: bool = False

    @classmethod
    def of_project(cls, hash_: str) -> Groups:
        """As the machine is now; sd_booted(3) tells whether systemd is PID 1."""
        return cls(detect(Path("/proc/self/mountinfo").read_text()), hash_, Path("/run/systemd/system").is_dir())

    @property
    def parent(self) -> str:
        return parent_group(self.hash, self.layout, systemd=self.systemd)

    def path_of(self, id_: str) -> str:
        """`cgroupsPath` of config.json."""
        return f"/{self.parent}/c/{id_}"

    def folders_of(self, id_: str) -> list[Path]:
        """The container's groups that are there, in each hierarchy."""
        below = self.path_of(id_)
        return [Path(folder) for top in self.layout.hierarchies if os.path.isdir(folder := f"{top}{below}")]

    def members(self, id_: str) -> set[int]:
        """The container's processes, as the host numbers them."""
        return _members(self.folders_of(id_))

    def enter_supervisor(self, *pids: int) -> None:
        """Move processes of ours, the calling one by default; on v2 with systemd the scope is started first, if it is not there."""
        try:
            if self.systemd and self.layout.version == 2 and not self._node(self.layout.hierarchies[0]).is_dir():
                self._start_scope()
            for top in self.layout.hierarchies:
                folder = self._node(top) / "supervisor"
                make_group(folder, top)
                for pid in pids or (os.getpid(),):
                    (folder / "cgroup.procs").write_text(str(pid))
        except OSError as refused:
            raise ContainerError(f"cgroup of the supervisor: {refused}") from refused

    def prepare(self) -> None:
        """Let the containers' groups have the v2 controllers: each parent on the way has to hand them down."""
        if self.layout.version == 1 or self.layout.unified is None or (self._node(self.layout.unified) / "c").is_dir():
            return
        (self._node(self.layout.unified) / "c").mkdir(parents=True, exist_ok=True)
        for folder in self.parents(self.layout.unified):
            hand_down(folder)

    def parents(self, top: Path) -> list[Path]:
        """The groups above a container's that are ours to configure, the highest first: below a scope's parent all is systemd's."""
        first = self._node(top) if self.systemd else top
        innermost = self._node(top) / "c"
        return [path for path in (*reversed(innermost.parents), innermost) if path.is_relative_to(first)]

    def oom_kills(self, id_: str) -> int:
        """How many processes of the container the kernel has killed for memory; to be asked before its group is removed."""
        file = self._oom_file(id_)
        return _counter(file, "oom_kill") if file else 0

    def oom_alarm(self, id_: str) -> int | None:
        """A descriptor that becomes readable when the container is out of memory: inotify on v2 (Documentation/admin-guide/cgroup-v2),
        an eventfd on v1 (cgroup-v1/memory, "OOM control"). None where there is no such control."""
        file = self._oom_file(id_)
        try:
            return None if file is None else _modified(file) if self.layout.version == 2 else _event(file)
        except OSError:
            return None

    def _oom_file(self, id_: str) -> Path | None:
        name = "memory.events" if self.layout.version == 2 else "memory.oom_control"
        return next((file for folder in self.folders_of(id_) if (file := folder / name).exists()), None)

    def kill(self, id_: str, *, patience: float = 5.0) -> None:
        """SIGKILL every process of the container and wait for their end, `patience` seconds at most."""
        folders = self.folders_of(id_)
        deadline = time.monotonic() + patience
        # More than one round: a process may fork while we read the list.
        while processes := _members(folders):
            if time.monotonic() > deadline:
                raise ContainerError(f"processes {sorted(processes)} of container {id_[:12]} cannot be killed")
            _thaw(folders)
            _kill_group(folders, processes)
            for pid in processes:
                wait_for_end(pid, max(0.0, deadline - time.monotonic()))

    def remove(self, id_: str) -> None:
        """Remove the container's groups, also half-made ones and those that it made below its own."""
        for folder in self.folders_of(id_):
            _remove_tree(folder)

    def remove_all(self) -> None:
        """Remove the project's groups in every hierarchy; the calling process is moved out of them."""
        for top in self.layout.hierarchies:
            node = self._node(top)
            if os.getpid() in _members([node]):
                (top / "cgroup.procs").write_text(str(os.getpid()))
            if node.is_dir():
                _remove_tree(node)
            with suppress(OSError):  # other projects are still there; a slice is systemd's to remove
                node.parent.rmdir()

    def _node(self, top: Path) -> Path:
        return top / self.parent

    def _start_scope(self) -> None:
        """A scope needs a process at its start: the caller, moved on at once into the leaf, by a shell that ends."""
        leaf = self._node(self.layout.hierarchies[0]) / "supervisor"
        process.run(["systemd-run", "--scope", "--quiet", "--collect", "--slice=composer.slice", f"--unit={scope_name(self.hash)}",
                     "--property=Delegate=yes", "--property=TasksMax=infinity", "--",
                     "sh", "-c", 'mkdir -p "$1" && echo "$2" > "$1/cgroup.procs"', "sh", str(leaf), str(os.getpid())], error=ContainerError)


def make_group(folder: Path, top: Path) -> None:
    """Make a group and its parents below `top`; a v1 cpuset takes no process before it has CPUs and memory nodes."""
    if folder == top or folder.is_dir():
        return
    make_group(folder.parent, top)
    folder.mkdir(exist_ok=True)
    if not (folder / "cgroup.controllers").exists():
        fill_cpuset(folder)


def fill_cpuset(folder: Path) -> None:
    """Give a v1 cpuset group that has none the parent's CPUs and memory nodes; other hierarchies have no such files."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        with suppress(FileNotFoundError):
            if not (folder / name).read_text().strip():
                (folder / name).write_text((folder.parent / name).read_text())


def hand_down(folder: Path) -> None:
    """Let the children of a v2 group have all controllers that it has itself."""
    have = (folder / "cgroup.controllers").read_text().split()
    given = (folder / "cgroup.subtree_control").read_text().split()
    for name in set(have) - set(given):
        with suppress(OSError):  # one that cannot be (threads, real-time): the limit that needs it fails by name
            (folder / "cgroup.subtree_control").write_text(f"+{name}")


def _modified(file: Path) -> int:
    with INotify(nonblocking=True) as notify:
        notify.add_watch(str(file), flags.MODIFY)
        return os.dup(notify.fileno())


def _event(file: Path) -> int:
    with file.open() as control:
        descriptor = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        try:
            file.with_name("cgroup.event_control").write_text(f"{descriptor} {control.fileno()}")
        except OSError:
            os.close(descriptor)
            raise
    return descriptor


def _counter(file: Path, name: str) -> int:
    with suppress(FileNotFoundError):
        return next((int(value) for key, value in (line.split() for line in file.read_text().splitlines()) if key == name), 0)
    return 0


def _thaw(folders: list[Path]) -> None:
    """A frozen v1 group ignores SIGKILL; on v2 cgroup.kill reaches a frozen one, but an older kernel has only signals."""
    for folder in folders:
        for name, value in (("freezer.state", "THAWED"), ("cgroup.freeze", "0")):
            with suppress(OSError):
                if (folder / name).exists():
                    (folder / name).write_text(value)


def _kill_group(folders: list[Path], processes: set[int]) -> None:
    for folder in folders:
        with suppress(OSError):
            if (folder / "cgroup.kill").exists():
                (folder / "cgroup.kill").write_text("1")
    for pid in processes:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _members(folders: list[Path]) -> set[int]:
    return {pid for folder in folders for group in _below(folder) for pid in _procs(group)}


def _procs(group: Path) -> list[int]:
    with suppress(OSError):
        # 0 stands for a process outside our pid namespace: nothing that we could name (and kill(0) means ourselves).
        return [pid for line in (group / "cgroup.procs").read_text().split() if (pid := int(line))]
    return []


def _below(folder: Path) -> Iterator[Path]:
    """The group and all below it, the deepest first."""
    for path, _, _ in os.walk(folder, topdown=False):
        yield Path(path)


def _remove_tree(folder: Path, *, patience: float = 2.0) -> None:
    """rmdir from the leaves up; a process that just ended keeps its group for a moment."""
    deadline = time.monotonic() + patience
    for group in _below(folder):
        while True:
            try:
                group.rmdir()
                break
            except FileNotFoundError:
                break
            except OSError as busy:
                if time.monotonic() > deadline:
                    raise ContainerError(f"cgroup {group} cannot be removed: {busy.strerror}, processes {_procs(group)}") from busy
                _wait_a_moment(group)


def _wait_a_moment(group: Path) -> None:
    pids = _procs(group)
    for pid in pids:
        wait_for_end(pid, 0.2)
    if not pids:
        time.sleep(0.005)  # the kernel tells nobody on v1 when the last zombie is gone
