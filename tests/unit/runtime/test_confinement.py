"""Namespaces that are shared, security options, and what else `bundle` makes of a service's attributes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from composer.errors import ContainerError
from composer.host import ContainerSpec, ImageConfig, Rootfs
from composer.model.service import Service
from composer.observed import Process
from composer.runtime.bundle import Seccomp, config
from composer.runtime.capabilities import NAMES
from composer.runtime.machine import Facts
from composer.runtime.security import Security, security

FACTS = Facts(capabilities=frozenset(NAMES))


def made(joined: dict[str, Process] | None = None, **attributes: Any) -> dict[str, Any]:
    service = Service(name="web", image="x", **attributes)
    spec = ContainerSpec("id", "shop-web-1", service, ImageConfig(command=("run",)), "web-host", "crun", joined=joined or {})
    return config(spec, Rootfs(Path("/r"), ()), FACTS, cgroup="/c", seccomp=Seccomp(annotations={"a": "ours"}))


def kinds(**attributes: Any) -> set[str]:
    return {entry["type"] for entry in made(**attributes)["linux"]["namespaces"]}


@pytest.mark.parametrize(("attribute", "kind"), [
    ("network_mode", "network"), ("pid", "pid"), ("ipc", "ipc"), ("uts", "uts"), ("cgroup", "cgroup"),
])
def test_the_hosts_namespaces(attribute: str, kind: str) -> None:
    """`host` leaves the namespace out."""
    assert kinds() - kinds(**{attribute: "host"}) == {kind}


@pytest.mark.parametrize(("attribute", "file"), [("network_mode", "net"), ("pid", "pid"), ("ipc", "ipc")])
def test_anothers_namespaces(attribute: str, file: str) -> None:
    """`service:X` is the path of that of X's PID 1; without a container of X there is none to join."""
    entries = made({attribute: Process(77, 1, "b")}, **{attribute: "service:db"})["linux"]["namespaces"]
    assert [entry["path"] for entry in entries if "path" in entry] == [f"/proc/77/ns/{file}"]
    with pytest.raises(ContainerError, match=rf"services\.web\.{attribute}: no container of db"):
        made(**{attribute: "service:db"})


def test_sysctls_belong_to_namespaces_of_its_own() -> None:
    """A joined network has its owner's; the domain name is one; with the host's UTS namespace neither name is set."""
    assert made({"network_mode": Process(7, 1, "b")}, network_mode="service:db")["linux"].get("sysctl") is None
    assert made(domainname="a.b", sysctls={"net.core.somaxconn": "7"})["linux"]["sysctl"].items() >= {
        "kernel.domainname": "a.b", "net.core.somaxconn": "7"}.items()
    host = made(uts="host", domainname="a.b")
    assert "hostname" not in host and "kernel.domainname" not in host["linux"]["sysctl"]


def test_shared_memory() -> None:
    """64 MB unless it is said; with the host's IPC namespace it is the host's."""
    def shm(**attributes: Any) -> dict[str, Any]:
        return next(mount for mount in made(**attributes)["mounts"] if mount["destination"] == "/dev/shm")

    assert "size=67108864" in shm()["options"] and "size=5" in shm(shm_size=5)["options"]
    assert (shm(ipc="host")["type"], shm(ipc="host")["source"]) == ("bind", "/dev/shm")


@pytest.mark.parametrize(("options", "expected"), [
    ((), Security()),
    (("no-new-privileges",), Security(no_new_privileges=True)),
    (("no-new-privileges=true",), Security(no_new_privileges=True)),
    (("no-new-privileges=false",), Security()),
    (("seccomp=unconfined", "systempaths=unconfined"), Security(seccomp="unconfined", masked=False)),
    (("seccomp={}", "label=disable", "apparmor=unconfined"), Security(seccomp="{}")),
])
def test_security_options(options: tuple[str, ...], expected: Security) -> None:
    """Each option by its canonical form."""
    assert security(options) == expected


def test_options_reach_the_description() -> None:
    """No new privileges, nothing masked, annotations beside ours."""
    described = made(security_opt=("no-new-privileges", "systempaths=unconfined"), annotations={"b": "own", "a": "theirs"})
    assert described["process"]["noNewPrivileges"] is True
    assert "maskedPaths" not in described["linux"]
    assert described["annotations"] == {"a": "ours", "b": "own"}
