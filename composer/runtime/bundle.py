"""What a container is, for the OCI runtime: ContainerSpec + Rootfs + facts of the machine -> config.json.

Pure. Defaults are Docker's, so that an image behaves as it does there (OCI runtime specification, config.md and config-linux.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from composer.errors import ContainerError
from composer.host import ContainerSpec, ImageConfig, OciMount, Rootfs
from composer.model.service import Service, Ulimit
from composer.runtime.capabilities import granted

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
INIT = "/sbin/docker-init"

#: Processes and threads of one container, where the service sets no limit (as containers.conf has it).
PIDS = 2048
CPU_PERIOD = 100_000  # microseconds

#: What the engine's daemon usually runs with and containers there inherit.
ULIMITS = {"nofile": Ulimit(soft=1_048_576, hard=1_048_576)}

MASKED = ("/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug",
          "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware")
READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")

#: In a network namespace of the container's own: ping without privilege, ports below 1024 for everybody.
SYSCTLS = {"net.ipv4.ip_unprivileged_port_start": "0", "net.ipv4.ping_group_range": "0 2147483647"}

#: Device nodes that may be used: null, zero, full, random, urandom, tty, console, ptmx, pts; making any node is allowed.
DEVICES = (("c", None, None, "m"), ("b", None, None, "m"), ("c", 1, 3, "rwm"), ("c", 1, 5, "rwm"), ("c", 1, 7, "rwm"), ("c", 1, 8, "rwm"),
           ("c", 1, 9, "rwm"), ("c", 5, 0, "rwm"), ("c", 5, 1, "rwm"), ("c", 5, 2, "rwm"), ("c", 136, None, "rwm"))


@dataclass(frozen=True, slots=True)
class Device:
    """A device node of the host; `kind` is c or b, `mode` its permission bits."""

    path: str
    kind: str
    major: int
    minor: int
    mode: int
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What the machine, and composer's own privileges, add to the container's description."""

    capabilities: frozenset[str]  # that composer itself holds
    hard_limits: Mapping[str, int] = field(default_factory=dict)  # its own, by the name in `ulimits`; absent: none
    lowest_oom_score: int = 0  # the lowest oom_score_adj that we may set
    cgroup_namespace: bool = True
    swap_limit: bool = True  # the kernel accounts swap


@dataclass(frozen=True, slots=True)
class Seccomp:
    """The system call filter: either OCI's `linux.seccomp`, or one compiled before, by the runtime's own annotation."""

    profile: Mapping[str, Any] | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)


def container_capabilities(service: Service, facts: Facts) -> tuple[str, ...]:
    """The container's bounding set."""
    return granted(service.cap_add, service.cap_drop, privileged=service.privileged, held=facts.capabilities)


def config(spec: ContainerSpec, rootfs: Rootfs, facts: Facts, *, cgroup: str, seccomp: Seccomp, init: str = "",
           devices: tuple[Device, ...] = ()) -> dict[str, Any]:
    """The content of config.json. `cgroup` is the container's group from the hierarchy's root, `init` the host's program for
    `init: true` ("" for none), `devices` the host's (used by a privileged container only)."""
    service = spec.service
    return {
        "ociVersion": "1.0.2",
        "hostname": spec.hostname,
        "root": {"path": str(rootfs.path), "readonly": service.read_only},
        "process": _process(spec, rootfs, facts, bool(init)),
        "mounts": [_mount(mount) for mount in _mounts(service, rootfs, init)],
        "annotations": dict(seccomp.annotations),
        "linux": {
            "namespaces": [{"type": kind} for kind in _namespaces(service, facts)],
            "cgroupsPath": cgroup,
            "resources": _resources(service, facts),
            **({"sysctl": SYSCTLS} if _own_network(service) else {}),
            **({"devices": [_device(device) for device in devices]} if service.privileged
               else {"maskedPaths": list(MASKED), "readonlyPaths": list(READ_ONLY)}),
            **({"seccomp": dict(seccomp.profile)} if seccomp.profile else {}),
        },
    }


def arguments(service: Service, image: ImageConfig) -> tuple[str, ...]:
    """What PID 1 executes: an entrypoint of the service's own, even an empty one, drops the image's command."""
    inherited = image.command if service.entrypoint is None else ()
    entrypoint = image.entrypoint if service.entrypoint is None else service.entrypoint
    return entrypoint + (inherited if service.command is None else service.command)


def environment(spec: ContainerSpec, home: str) -> dict[str, str]:
    """The service's variables win over the image's, those over the defaults."""
    defaults = {"PATH": PATH, "HOME": home or "/", "HOSTNAME": spec.hostname, **({"TERM": "xterm"} if spec.tty else {})}
    return {**defaults, **spec.image.environment, **spec.service.environment}


def capability_sets(capabilities: Iterable[str], uid: int) -> dict[str, list[str]]:
    """What execve(2) would leave: a user other than root keeps only the bounding set."""
    names = list(capabilities)
    return {"bounding": names, **({"effective": names, "permitted": names} if uid == 0 else {})}


def _process(spec: ContainerSpec, rootfs: Rootfs, facts: Facts, with_init: bool) -> dict[str, Any]:
    service = spec.service
    args = arguments(service, spec.image)
    if not args:
        raise ContainerError(f"services.{service.name}: nothing to run, the image has no command", hint="set command: or entrypoint:")
    return {
        "args": [INIT, "--", *args] if with_init else list(args),
        "cwd": service.working_dir or spec.image.working_dir or "/",
        "env": [f"{name}={value}" for name, value in environment(spec, rootfs.home).items()],
        "terminal": spec.tty,
        "user": {"uid": rootfs.uid, "gid": rootfs.gid, "additionalGids": list(rootfs.groups)},
        "capabilities": capability_sets(container_capabilities(service, facts), rootfs.uid),
        "noNewPrivileges": False,
        "oomScoreAdj": facts.lowest_oom_score,
        "rlimits": _rlimits(ULIMITS, facts),
    }


def _rlimits(wanted: Mapping[str, Ulimit], facts: Facts) -> list[dict[str, Any]]:
    """Without CAP_SYS_RESOURCE nobody can go above the own hard limit: take that, instead of failing."""
    limits = []
    for name, ulimit in wanted.items():
        top = facts.hard_limits.get(name) if "CAP_SYS_RESOURCE" not in facts.capabilities else None
        lowered = [value if top is None else min(value, top) for value in (ulimit.soft, ulimit.hard)]
        limits.append({"type": f"RLIMIT_{name.upper()}", "soft": lowered[0], "hard": lowered[1]})
    return limits


def _own_network(service: Service) -> bool:
    return service.network_mode != "host"


def _namespaces(service: Service, facts: Facts) -> list[str]:
    """A new network namespace stays empty until the network driver fills it, between create and start."""
    if service.network_mode and service.network_mode.partition(":")[0] in ("service", "container"):
        raise ContainerError(f"services.{service.name}.network_mode: {service.network_mode!r} is not supported")
    return ["pid", "ipc", "uts", "mount", *(["network"] if _own_network(service) else []), *(["cgroup"] if facts.cgroup_namespace else [])]


def _mounts(service: Service, rootfs: Rootfs, init: str) -> list[OciMount]:
    """Parents before children; what the service mounts itself (/dev/shm, /proc...) takes the default's place."""
    own = {mount.destination for mount in rootfs.mounts}
    defaults = [mount for mount in _default_mounts(service.privileged) if mount.destination not in own]
    with_init = [OciMount(INIT, "bind", init, ("bind", "ro", "nosuid", "nodev"))] if init else []
    return [*defaults, *sorted(rootfs.mounts, key=lambda mount: mount.destination.rstrip("/").count("/")), *with_init]


def _default_mounts(privileged: bool) -> list[OciMount]:
    closed = ("nosuid", "noexec", "nodev")
    access = () if privileged else ("ro",)
    return [
        OciMount("/proc", "proc", "proc", closed),
        OciMount("/dev", "tmpfs", "tmpfs", ("nosuid", "strictatime", "mode=755", "size=65536k")),
        OciMount("/dev/pts", "devpts", "devpts", ("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5")),
        OciMount("/sys", "sysfs", "sysfs", (*closed, *access)),
        OciMount("/sys/fs/cgroup", "cgroup", "cgroup", (*closed, *access)),
        OciMount("/dev/mqueue", "mqueue", "mqueue", closed),
        OciMount("/dev/shm", "tmpfs", "shm", (*closed, "mode=1777", "size=65536k")),
    ]


def _mount(mount: OciMount) -> dict[str, Any]:
    return {"destination": mount.destination, "type": mount.type, "source": mount.source, "options": list(mount.options)}


def _device(device: Device) -> dict[str, Any]:
    return {"path": device.path, "type": device.kind, "major": device.major, "minor": device.minor, "fileMode": device.mode,
            "uid": device.uid, "gid": device.gid}


def _resources(service: Service, facts: Facts) -> dict[str, Any]:
    """Memory without a swap limit of its own may swap as much again (`--memory-swap` unset); a pid limit of 0 or -1 is none."""
    limits: dict[str, Any] = {"devices": _device_rules(service.privileged)}
    if service.memory:
        limits["memory"] = {"limit": service.memory, **({"swap": service.memory * 2} if facts.swap_limit else {})}
    if service.cpu_limit:
        limits["cpu"] = {"quota": round(service.cpu_limit * CPU_PERIOD), "period": CPU_PERIOD}
    pids = PIDS if service.pid_limit is None else service.pid_limit
    # No limit is said by saying nothing: crun 1.8 writes -1 into pids.max as it is, which the kernel refuses.
    if pids > 0:
        limits["pids"] = {"limit": pids}
    return limits


def _device_rules(privileged: bool) -> list[dict[str, Any]]:
    if privileged:
        return [{"allow": True, "access": "rwm"}]
    allowed = [{"allow": True, "type": kind, "access": access, **({"major": major} if major is not None else {}),
                **({"minor": minor} if minor is not None else {})} for kind, major, minor, access in DEVICES]
    return [{"allow": False, "access": "rwm"}, *allowed]
