"""Reads from the machine what `bundle` has to know."""

from __future__ import annotations

import os
import resource
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from composer.errors import ContainerError
from composer.model.service import DeviceMapping
from composer.runtime.capabilities import from_mask
from composer.runtime.cgroups import Layout
from composer.runtime.machine import Device, Facts

#: /dev of a container has these from elsewhere: its own devpts, shm, mqueue and console, and links.
NOT_SHARED = frozenset({"pts", "shm", "mqueue", "fd", "console", "ptmx"})


def read(layout: Layout) -> Facts:
    """The facts about the calling process's privileges and the cgroup layout."""
    capabilities = held_capabilities(Path("/proc/self/status").read_text())
    own_score = int(Path("/proc/self/oom_score_adj").read_text())
    return Facts(
        capabilities=capabilities,
        hard_limits=hard_limits(),
        lowest_oom_score=0 if "CAP_SYS_RESOURCE" in capabilities else max(own_score, 0),
        cgroup_namespace=Path("/proc/self/ns/cgroup").exists(),
        swap_limit=layout.accounts_swap(),
        swappiness=layout.version == 1,
        oom_switch=layout.version == 1,
        realtime=_has(layout, "cpu", "cpu.rt_runtime_us"),
        block_weight=_has(layout, "blkio", "blkio.weight") or _has(layout, "io", "io*weight"),
        bfq_weight=_has(layout, "blkio", "blkio.bfq.weight") and not _has(layout, "blkio", "blkio.weight"),
        block_limits=_has(layout, "blkio", "blkio.throttle.read_bps_device") or _has(layout, "io", "io.max"),
        apparmor=_is_on(Path("/sys/module/apparmor/parameters/enabled")),
        selinux=Path("/sys/fs/selinux/enforce").exists(),
    )


def _has(layout: Layout, controller: str, pattern: str) -> bool:
    """Whether groups of that controller have such a file; the root group lacks many."""
    top = layout.unified if layout.version == 2 else layout.controller(controller)
    return top is not None and next(top.glob(f"*/{pattern}"), None) is not None


def _is_on(parameter: Path) -> bool:
    with suppress(OSError):
        return parameter.read_text().startswith("Y")
    return False


def block_device(path: str, subject: str) -> tuple[int, int]:
    """Major and minor number; `subject` begins an error's message."""
    with suppress(OSError):
        status = os.stat(path)
        if stat.S_ISBLK(status.st_mode):
            return os.major(status.st_rdev), os.minor(status.st_rdev)
    raise ContainerError(f"{subject}: {path} is no block device of the host", hint="lsblk lists them")


def held_capabilities(status: str) -> frozenset[str]:
    """The effective capabilities in the text of /proc/PID/status (proc(5))."""
    for line in status.splitlines():
        if line.startswith("CapEff:"):
            return from_mask(int(line.split()[1], 16))
    return frozenset()


def hard_limits() -> dict[str, int]:
    """The process's own, by the names of `ulimits`; those without a limit are left out."""
    names = {name.removeprefix("RLIMIT_").lower(): getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")}
    tops = {name: resource.getrlimit(number)[1] for name, number in names.items()}
    return {name: top for name, top in tops.items() if top != resource.RLIM_INFINITY}


def host_devices(folder: str = "/dev") -> tuple[Device, ...]:
    """The host's device nodes, for a privileged container."""
    return tuple(sorted(_nodes(folder), key=lambda device: device.path))


def find_devices(mapping: DeviceMapping, subject: str) -> tuple[Device, ...]:
    """The node behind a path of the host, or all below a folder, as the container is to have them; `subject` begins an error's message."""
    source = os.path.realpath(mapping.source)
    found = host_devices(source) if os.path.isdir(source) else tuple(_node(source))
    if not found:
        missing = "is no device" if os.path.exists(source) else "is not there"
        raise ContainerError(f"{subject}: {mapping.source} {missing} on the host")
    return tuple(replace(one, path=mapping.target + one.path.removeprefix(source), access=mapping.permissions) for one in found)


def _nodes(folder: str) -> Iterator[Device]:
    for entry in os.scandir(folder):
        if entry.name in NOT_SHARED:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _nodes(entry.path)
        else:
            yield from _node(entry.path)


def _node(path: str) -> Iterator[Device]:
    with suppress(FileNotFoundError):
        status = os.stat(path, follow_symlinks=False)
        if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
            kind = "c" if stat.S_ISCHR(status.st_mode) else "b"
            yield Device(path, kind, os.major(status.st_rdev), os.minor(status.st_rdev), stat.S_IMODE(status.st_mode),
                         status.st_uid, status.st_gid)
