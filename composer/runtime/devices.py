"""Which device nodes a container has and may use: `linux.devices` and the rules of the device cgroup. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from composer.model.service import Service
from composer.runtime.machine import Device

#: Device nodes that may be used: null, zero, full, random, urandom, tty, console, ptmx, pts; making any node is allowed.
DEVICES = (("c", None, None, "m"), ("b", None, None, "m"), ("c", 1, 3, "rwm"), ("c", 1, 5, "rwm"), ("c", 1, 7, "rwm"), ("c", 1, 8, "rwm"),
           ("c", 1, 9, "rwm"), ("c", 5, 0, "rwm"), ("c", 5, 1, "rwm"), ("c", 5, 2, "rwm"), ("c", 136, None, "rwm"))


def nodes(devices: Sequence[Device]) -> list[dict[str, Any]]:
    """`linux.devices`: each path once, the last one wins."""
    by_path = {device.path: device for device in devices}
    return [{"path": one.path, "type": one.kind, "major": one.major, "minor": one.minor, "fileMode": one.mode, "uid": one.uid,
             "gid": one.gid} for one in by_path.values()]


def rules(service: Service, devices: Sequence[Device]) -> list[dict[str, Any]]:
    """`linux.resources.devices`: everything is denied, then the usual nodes, the service's and its own rules allowed."""
    if service.privileged:
        return [{"allow": True, "access": "rwm"}]
    own = [(one.kind, one.major, one.minor, one.access) for one in devices]
    return [{"allow": False, "access": "rwm"}, *(_allow(*rule) for rule in (*DEVICES, *own)), *map(_written, service.device_cgroup_rules)]


def _allow(kind: str, major: int | None, minor: int | None, access: str) -> dict[str, Any]:
    numbers = {key: value for key, value in (("major", major), ("minor", minor)) if value is not None}
    return {"allow": True, "type": kind, "access": access, **numbers}


def _written(rule: str) -> dict[str, Any]:
    """`c 10:200 rwm`; * stands for any number."""
    kind, numbers, access = rule.split()
    major, minor = (None if number == "*" else int(number) for number in numbers.split(":"))
    return _allow(kind, major, minor, access)
