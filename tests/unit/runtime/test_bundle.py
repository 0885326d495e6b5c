"""config.json from a service, an image, a root file system and facts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from composer.errors import ContainerError
from composer.host import ContainerSpec, ImageConfig, OciMount, Rootfs
from composer.model.deploy import Deploy, Limits, Resources
from composer.model.service import Service
from composer.runtime.bundle import Seccomp, arguments, config
from composer.runtime.capabilities import NAMES
from composer.runtime.machine import Device, Facts

FACTS = Facts(capabilities=frozenset(NAMES))
IMAGE = ImageConfig(entrypoint=("/entry",), command=("serve",), environment={"PATH": "/opt", "A": "image"}, working_dir="/srv")
ROOTFS = Rootfs(Path("/b/rootfs"), ())
NO_FILTER = Seccomp()


def _config(image: ImageConfig = IMAGE, rootfs: Rootfs = ROOTFS, facts: Facts = FACTS, *, tty: bool = False, init: str = "",
            seccomp: Seccomp = NO_FILTER, devices: tuple[Device, ...] = (), **attributes: Any) -> dict[str, Any]:
    service = Service(name="web", image="x", **attributes)
    spec = ContainerSpec("id", "shop-web-1", service, image, "web-host", "crun", tty=tty)
    return config(spec, rootfs, facts, cgroup="/composer/h/c/id", seccomp=seccomp, init=init, devices=devices)


@pytest.mark.parametrize(("entrypoint", "command", "expected"), [
    (None, None, ("/entry", "serve")),
    (None, ("other",), ("/entry", "other")),
    (None, (), ("/entry",)),
    (("mine",), None, ("mine",)),
    (("mine",), ("-v",), ("mine", "-v")),
    ((), ("sh", "-c", "x"), ("sh", "-c", "x")),
    ((), None, ()),
])
def test_entrypoint_and_command(entrypoint: tuple[str, ...] | None, command: tuple[str, ...] | None, expected: tuple[str, ...]) -> None:
    """An entrypoint of the service's own drops the image's command, also an empty one."""
    assert arguments(Service(name="web", image="x", entrypoint=entrypoint, command=command), IMAGE) == expected


def test_nothing_to_run_is_an_error() -> None:
    """The message names the service and says what to set."""
    with pytest.raises(ContainerError, match=r"services\.web: nothing to run") as error:
        _config(ImageConfig())
    assert "command:" in error.value.hint


def test_the_process() -> None:
    """User, groups, directory and environment come together from image, service and root file system."""
    rootfs = Rootfs(Path("/r"), (), uid=33, gid=44, groups=(8, 9), home="/var/www")
    process = _config(rootfs=rootfs, tty=True, environment={"A": "service"}, working_dir="/w")["process"]
    assert process["user"] == {"uid": 33, "gid": 44, "additionalGids": [8, 9]}
    assert process["cwd"] == "/w" and process["terminal"] is True and process["noNewPrivileges"] is False
    assert process["env"] == ["PATH=/opt", "HOME=/var/www", "HOSTNAME=web-host", "TERM=xterm", "A=service"]
    assert set(process["capabilities"]) == {"bounding"}


def test_root_gets_effective_capabilities() -> None:
    """Root's are in force at once, inheritable and ambient sets stay empty."""
    sets = _config()["process"]["capabilities"]
    assert set(sets) == {"bounding", "effective", "permitted"} and len(sets["effective"]) == 14


def test_an_init_goes_in_front() -> None:
    """The host's program is mounted at /sbin/docker-init and gets the command after `--`."""
    made = _config(init="/usr/bin/tini-static")
    assert made["process"]["args"] == ["/sbin/docker-init", "--", "/entry", "serve"]
    assert made["mounts"][-1]["source"] == "/usr/bin/tini-static" and "ro" in made["mounts"][-1]["options"]


def test_namespaces_follow_the_network_mode() -> None:
    """A new network namespace by default and for none, no one for host; what is not there yet is refused, not ignored."""
    kinds = {entry["type"] for entry in _config()["linux"]["namespaces"]}
    assert kinds == {"pid", "ipc", "uts", "mount", "network", "cgroup"}
    assert all("path" not in entry for entry in _config()["linux"]["namespaces"])
    host = _config(network_mode="host")["linux"]
    assert "network" not in {entry["type"] for entry in host["namespaces"]} and "sysctl" not in host
    assert "network" in {entry["type"] for entry in _config(network_mode="none")["linux"]["namespaces"]}
    with pytest.raises(ContainerError, match="network_mode"):
        _config(network_mode="service:db")
    without = Facts(frozenset(NAMES), cgroup_namespace=False)
    assert "cgroup" not in {entry["type"] for entry in _config(facts=without)["linux"]["namespaces"]}


def test_sysctls_are_dockers() -> None:
    """In a network namespace of its own anybody may ping and bind low ports."""
    assert _config()["linux"]["sysctl"] == {"net.ipv4.ip_unprivileged_port_start": "0", "net.ipv4.ping_group_range": "0 2147483647"}


def test_mounts_are_ordered_and_the_services_own_win() -> None:
    """Parents come before children; a mount on /dev/shm takes the place of the default one."""
    own = (OciMount("/data/sub", "bind", "/x"), OciMount("/dev/shm", "tmpfs", "shm", ("size=1g",)), OciMount("/data", "bind", "/y"))
    mounts = [(mount["destination"], mount["source"]) for mount in _config(rootfs=Rootfs(Path("/r"), own))["mounts"]]
    assert mounts.index(("/data", "/y")) < mounts.index(("/data/sub", "/x"))
    assert [destination for destination, _ in mounts].count("/dev/shm") == 1
    assert mounts[0][0] == "/proc" and mounts.index(("/dev", "tmpfs")) < mounts.index(("/dev/shm", "shm"))


def test_limits() -> None:
    """Memory may swap as much again, CPUs are a quota of 100 ms, 2048 processes are the default and 0 or -1 mean none."""
    resources = _config(mem_limit=1000, cpus=1.5, pids_limit=9)["linux"]["resources"]
    assert resources["memory"] == {"limit": 1000, "swap": 2000}
    assert resources["cpu"] == {"quota": 150_000, "period": 100_000} and resources["pids"] == {"limit": 9}
    bare = _config()["linux"]["resources"]
    assert "memory" not in bare and "cpu" not in bare and bare["pids"] == {"limit": 2048}
    assert "pids" not in _config(pids_limit=-1)["linux"]["resources"] and "pids" not in _config(pids_limit=0)["linux"]["resources"]
    deploy = Deploy(resources=Resources(limits=Limits(cpus=0.25, memory=500, pids=3)))
    assert _config(deploy=deploy)["linux"]["resources"]["memory"]["limit"] == 500
    assert _config(facts=Facts(frozenset(NAMES), swap_limit=False), mem_limit=1000)["linux"]["resources"]["memory"] == {"limit": 1000}


def test_devices_are_denied_first() -> None:
    """Everything is denied, then the usual nodes allowed."""
    rules = _config()["linux"]["resources"]["devices"]
    assert rules[0] == {"allow": False, "access": "rwm"}
    assert {"allow": True, "type": "c", "major": 1, "minor": 3, "access": "rwm"} in rules
    assert not any(rule["allow"] and "major" not in rule and "r" in rule["access"] for rule in rules)


def test_rlimits_are_lowered_to_what_we_may_give() -> None:
    """Without CAP_SYS_RESOURCE the own hard limit is the top, with it nothing is."""
    poor = Facts(frozenset(NAMES) - {"CAP_SYS_RESOURCE"}, {"nofile": 20_000})
    assert _config(facts=poor)["process"]["rlimits"] == [{"type": "RLIMIT_NOFILE", "soft": 20_000, "hard": 20_000}]
    rich = Facts(frozenset(NAMES), {"nofile": 20_000})
    assert _config(facts=rich)["process"]["rlimits"] == [{"type": "RLIMIT_NOFILE", "soft": 1_048_576, "hard": 1_048_576}]


def test_privileged() -> None:
    """All capabilities, the host's devices, nothing masked, /sys writable."""
    device = Device("/dev/fuse", "c", 10, 229, 0o666, 0, 0)
    made = _config(privileged=True, devices=(device,))
    assert made["linux"]["resources"]["devices"] == [{"allow": True, "access": "rwm"}]
    node = {"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 0o666, "uid": 0, "gid": 0}
    assert made["linux"]["devices"] == [node]
    assert "maskedPaths" not in made["linux"] and "readonlyPaths" not in made["linux"]
    assert len(made["process"]["capabilities"]["effective"]) == len(NAMES)
    assert all("ro" not in mount["options"] for mount in made["mounts"])


def test_an_ordinary_container_is_masked_and_filtered() -> None:
    """Masked and read-only paths are there, the filter is passed on in either form, a read-only root is asked for."""
    made = _config(seccomp=Seccomp({"defaultAction": "X"}), read_only=True)
    assert "/proc/kcore" in made["linux"]["maskedPaths"] and "/proc/sys" in made["linux"]["readonlyPaths"]
    assert made["linux"]["seccomp"] == {"defaultAction": "X"} and made["root"] == {"path": "/b/rootfs", "readonly": True}
    compiled = _config(seccomp=Seccomp(annotations={"a": "b"}))
    assert compiled["annotations"] == {"a": "b"} and "seccomp" not in compiled["linux"]
    assert compiled["linux"]["cgroupsPath"] == "/composer/h/c/id" and compiled["hostname"] == "web-host"


def test_security_modules_and_writable_groups() -> None:
    """An AppArmor profile where there is AppArmor; the container's cgroups may be written when it is said."""
    options = ("apparmor=mine", "writable-cgroups=true")
    assert "apparmorProfile" not in _config(security_opt=options)["process"]
    made = _config(facts=Facts(frozenset(NAMES), apparmor=True), security_opt=options)
    assert made["process"]["apparmorProfile"] == "mine"
    (groups,) = (one for one in made["mounts"] if one["destination"] == "/sys/fs/cgroup")
    assert "ro" not in groups["options"]
    (usual,) = (one for one in _config()["mounts"] if one["destination"] == "/sys/fs/cgroup")
    assert "ro" in usual["options"]
