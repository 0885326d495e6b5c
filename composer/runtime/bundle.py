"""What a container is, for the OCI runtime: ContainerSpec + Rootfs + facts of the machine -> config.json.

Pure. Defaults are Docker's, so that an image behaves as it does there (OCI runtime specification, config.md and config-linux.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from composer.errors import ContainerError
from composer.host import ContainerSpec, ImageConfig, OciMount, Rootfs
from composer.model.service import Service
from composer.runtime import blkio, limits
from composer.runtime import devices as device_nodes
from composer.runtime.capabilities import granted
from composer.runtime.machine import Device, Facts
from composer.runtime.namespaces import namespaces, own_network
from composer.runtime.security import MASKED, READ_ONLY, security

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
INIT = "/sbin/docker-init"
SHM = 64 << 20  # bytes

#: In a network namespace of the container's own: ping without privilege, ports below 1024 for everybody.
SYSCTLS = {"net.ipv4.ip_unprivileged_port_start": "0", "net.ipv4.ping_group_range": "0 2147483647"}


@dataclass(frozen=True, slots=True)
class Seccomp:
    """The system call filter: either OCI's `linux.seccomp`, or one compiled before, by the runtime's own annotation."""

    profile: Mapping[str, Any] | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)


def container_capabilities(service: Service, facts: Facts) -> tuple[str, ...]:
    """The container's bounding set."""
    return granted(service.cap_add, service.cap_drop, privileged=service.privileged, held=facts.capabilities)


def config(spec: ContainerSpec, rootfs: Rootfs, facts: Facts, *, cgroup: str, seccomp: Seccomp, init: str = "",
           devices: tuple[Device, ...] = (), block: blkio.Numbers | None = None) -> dict[str, Any]:
    """The content of config.json. `cgroup` is the container's group from the hierarchy's root, `init` the host's program for
    `init: true` ("" for none), `devices` those that the service names, for a privileged container the host's too, `block` the numbers
    of the block devices whose traffic it limits."""
    service = spec.service
    masked = security(service.security_opt).masked and not service.privileged
    return {
        "ociVersion": "1.0.2",
        **({"hostname": spec.hostname} if service.uts != "host" else {}),
        "root": {"path": str(rootfs.path), "readonly": service.read_only},
        "process": _process(spec, rootfs, facts, bool(init)),
        "mounts": [_mount(mount) for mount in _mounts(service, rootfs, init)],
        "annotations": {**service.annotations, **seccomp.annotations},
        "linux": {
            "namespaces": namespaces(spec, facts),
            "cgroupsPath": cgroup,
            "resources": {"devices": device_nodes.rules(service, devices), **limits.resources(service, facts, block)},
            **({"sysctl": sysctls} if (sysctls := _sysctls(service)) else {}),
            **({"devices": device_nodes.nodes(devices)} if devices else {}),
            **({"maskedPaths": list(MASKED), "readonlyPaths": list(READ_ONLY)} if masked else {}),
            **({"seccomp": dict(seccomp.profile)} if seccomp.profile else {}),
        },
    }


def _sysctls(service: Service) -> dict[str, str]:
    """The domain name is one too, as with Docker."""
    domain = {"kernel.domainname": service.domainname} if service.domainname and service.uts != "host" else {}
    return {**(SYSCTLS if own_network(service) else {}), **domain, **service.sysctls}


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
    confined = security(service.security_opt)
    return {
        "args": [INIT, "--", *args] if with_init else list(args),
        "cwd": service.working_dir or spec.image.working_dir or "/",
        "env": [f"{name}={value}" for name, value in environment(spec, rootfs.home).items()],
        "terminal": spec.tty,
        "user": {"uid": rootfs.uid, "gid": rootfs.gid, "additionalGids": list(rootfs.groups)},
        "capabilities": capability_sets(container_capabilities(service, facts), rootfs.uid),
        "noNewPrivileges": confined.no_new_privileges,
        **({"apparmorProfile": confined.apparmor} if confined.apparmor and facts.apparmor else {}),
        "oomScoreAdj": limits.oom_score(service, facts),
        "rlimits": limits.rlimits(service, facts),
    }


def _mounts(service: Service, rootfs: Rootfs, init: str) -> list[OciMount]:
    """Parents before children; what the service mounts itself (/dev/shm, /proc...) takes the default's place."""
    own = {mount.destination for mount in rootfs.mounts}
    defaults = [mount for mount in _default_mounts(service) if mount.destination not in own]
    with_init = [OciMount(INIT, "bind", init, ("bind", "ro", "nosuid", "nodev"))] if init else []
    return [*defaults, *sorted(rootfs.mounts, key=lambda mount: mount.destination.rstrip("/").count("/")), *with_init]


def _default_mounts(service: Service) -> list[OciMount]:
    closed = ("nosuid", "noexec", "nodev")
    access = () if service.privileged else ("ro",)
    groups = () if security(service.security_opt).writable_cgroups else access
    return [
        OciMount("/proc", "proc", "proc", closed),
        OciMount("/dev", "tmpfs", "tmpfs", ("nosuid", "strictatime", "mode=755", "size=65536k")),
        OciMount("/dev/pts", "devpts", "devpts", ("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5")),
        OciMount("/sys", "sysfs", "sysfs", (*closed, *access)),
        OciMount("/sys/fs/cgroup", "cgroup", "cgroup", (*closed, *groups)),
        OciMount("/dev/mqueue", "mqueue", "mqueue", closed),
        _shm(service, closed),
    ]


def _shm(service: Service, closed: tuple[str, ...]) -> OciMount:
    if service.ipc == "host":
        return OciMount("/dev/shm", "bind", "/dev/shm", ("rbind", *closed))
    return OciMount("/dev/shm", "tmpfs", "shm", (*closed, "mode=1777", f"size={service.shm_size or SHM}"))


def _mount(mount: OciMount) -> dict[str, Any]:
    return {"destination": mount.destination, "type": mount.type, "source": mount.source, "options": list(mount.options)}
