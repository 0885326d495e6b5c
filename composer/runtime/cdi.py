"""Devices by name, `vendor.com/class=name`: what the specs of the Container Device Interface say goes into config.json.

Specs are JSON or YAML files that a vendor's tool leaves in /etc/cdi and /var/run/cdi
(github.com/cncf-tags/container-device-interface, SPEC.md).
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from composer.errors import ContainerError
from composer.model.deploy import DeviceRequest
from composer.model.service import Service

#: A device of a later folder hides one of the same name in an earlier one.
FOLDERS = (Path("/etc/cdi"), Path("/var/run/cdi"))
ALL = "all"
_NAME = re.compile(r"[a-zA-Z][\w.-]*/[a-zA-Z][\w.-]*=[a-zA-Z0-9][\w.:-]*")
_NOT_HERE = ("netDevices",)

Edits = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Named:
    """A device as its spec has it: `edits` are its own, `common` those of the spec, which come once."""

    edits: Edits
    common: Edits
    file: str


@dataclass(frozen=True, slots=True)
class Registry:
    """All devices of the machine by their full names."""

    devices: Mapping[str, Named] = field(default_factory=dict)

    def kinds(self) -> dict[str, list[str]]:
        """`vendor.com/class` -> the names of its devices, in the order of the specs."""
        found: dict[str, list[str]] = {}
        for full in self.devices:
            kind, _, name = full.partition("=")
            found.setdefault(kind, []).append(name)
        return found


def is_name(text: str) -> bool:
    return bool(_NAME.fullmatch(text))


def names(service: Service) -> bool:
    """Whether the service asks for any device by name or by what it can do."""
    return any(is_name(one.source) for one in service.devices) or bool(service.device_requests)


def read(folders: Iterable[Path] = FOLDERS) -> Registry:
    """The specs that are there now; one that cannot be read is an error that names it."""
    found: dict[str, Named] = {}
    for folder in folders:
        here: dict[str, Named] = {}
        for path in sorted(folder.glob("*")) if folder.is_dir() else ():
            if path.suffix in (".json", ".yaml", ".yml"):
                for full, device in _devices(path):
                    if full in here:
                        raise ContainerError(f"{path}: device {full} is in {here[full].file} as well")
                    here[full] = device
        found |= here
    return Registry(found)


def _devices(path: Path) -> Iterator[tuple[str, Named]]:
    try:
        spec = _parsed(path)
        kind, common = spec["kind"], spec.get("containerEdits") or {}
        for device in spec["devices"]:
            yield f"{kind}={device['name']}", Named(device.get("containerEdits") or {}, common, str(path))
    except (OSError, ValueError, KeyError, TypeError) as broken:
        raise ContainerError(f"{path} is no CDI spec: {broken}") from broken


def _parsed(path: Path) -> Mapping[str, Any]:
    text = path.read_text()
    if path.suffix == ".json":
        value = json.loads(text)
    else:
        import yaml  # only who has such a spec pays for it

        try:
            value = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        except yaml.YAMLError as broken:
            raise ValueError(str(broken)) from broken
    if not isinstance(value, dict):
        raise TypeError("no mapping")
    return value


# ---------------------------------------------------------------- which devices


def wanted(service: Service, registry: Registry) -> tuple[str, ...]:
    """The full names of all devices that the service asks for, each once. ContainerError for what no spec has."""
    subject = f"services.{service.name}"
    found = [one.source for one in service.devices if is_name(one.source)]
    for request in service.device_requests:
        attribute = "gpus" if request in service.gpus else "deploy.resources.reservations.devices"
        found += _requested(request, registry, f"{subject}.{attribute}")
    for name in found:
        if name not in registry.devices:
            raise _unknown(name, registry, f"{subject}.devices")
    return tuple(dict.fromkeys(found))


def _requested(request: DeviceRequest, registry: Registry, subject: str) -> list[str]:
    if any(is_name(one) for one in request.device_ids):
        return list(request.device_ids)
    kind = _kind(request, registry, subject)
    there = registry.kinds()[kind]
    if request.device_ids:
        missing = [one for one in request.device_ids if one not in there]
        if missing:
            raise ContainerError(f"{subject}: there is no {kind}={missing[0]}", hint=f"there are {', '.join(there)}")
        return [f"{kind}={one}" for one in request.device_ids]
    single = [one for one in there if one.isdigit()] or [one for one in there if one != ALL]
    if request.count < 0:
        return [f"{kind}={one}" for one in ([ALL] if ALL in there else single)]
    if request.count > len(single):
        raise ContainerError(f"{subject}: {request.count} devices of {kind} are asked for, there are {len(single)}")
    return [f"{kind}={one}" for one in single[:request.count]]


def _kind(request: DeviceRequest, registry: Registry, subject: str) -> str:
    """The kind of device that has the vendor or, without one, any that can do what is asked for."""
    vendor = "" if request.driver == "cdi" else request.driver
    there = [kind for kind in registry.kinds() if kind.partition("/")[2] in request.capabilities
             and (not vendor or kind.partition("/")[0].partition(".")[0] == vendor)]
    if not there:
        what = f"{vendor or 'any vendor'}'s {' or '.join(request.capabilities) or 'devices'}"
        raise ContainerError(f"{subject}: no CDI spec in {' or '.join(map(str, FOLDERS))} describes {what}",
                             hint="for NVIDIA: nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml (package nvidia-container-toolkit)")
    return there[0]


def _unknown(name: str, registry: Registry, subject: str) -> ContainerError:
    there = registry.kinds().get(name.partition("=")[0])
    hint = f"there are {', '.join(there)}" if there else f"its vendor's tool writes a spec to {FOLDERS[0]}"
    return ContainerError(f"{subject}: no CDI spec describes {name}", hint=hint)


# ---------------------------------------------------------------- what they change


def edits(devices: Sequence[str], registry: Registry) -> list[Edits]:
    """Those of the specs, each once, then those of the devices."""
    chosen = [registry.devices[name] for name in devices]
    common = {one.file: one.common for one in chosen}
    found = [*common.values(), *(one.edits for one in chosen)]
    for one in found:
        for word in _NOT_HERE:
            if one.get(word):
                raise ContainerError(f"CDI: {word} of {', '.join(devices)} is not supported by composer")
    return found


def apply(config: dict[str, Any], changes: Iterable[Edits]) -> None:
    """Merge container edits into a config.json, in place."""
    process, linux = config["process"], config["linux"]
    for one in changes:
        variables: list[str] = list(one.get("env") or ())
        new = {line.partition("=")[0] for line in variables}
        process["env"] = [line for line in process["env"] if line.partition("=")[0] not in new] + variables
        process["user"]["additionalGids"] = [*process["user"]["additionalGids"], *(one.get("additionalGids") or ())]
        config["mounts"] += [_mount(mount) for mount in one.get("mounts") or ()]
        for hook in one.get("hooks") or ():
            values = {key: hook[key] for key in ("path", "args", "env", "timeout") if key in hook}
            hooks: dict[str, list[dict[str, Any]]] = config.setdefault("hooks", {})
            hooks.setdefault(hook["hookName"], []).append(values)
        for node in one.get("deviceNodes") or ():
            device = _node(node)
            linux["devices"] = [other for other in linux.get("devices", ()) if other["path"] != device["path"]] + [device]
            numbers = {key: device[key] for key in ("type", "major", "minor")}
            linux["resources"]["devices"].append({"allow": True, "access": node.get("permissions") or "rwm"} | numbers)
        if one.get("intelRdt"):
            linux["intelRdt"] = {key: value for key, value in one["intelRdt"].items() if key not in ("enableCMT", "enableMBM")}


def _mount(mount: Mapping[str, Any]) -> dict[str, Any]:
    options = list(mount.get("options") or ())
    bound = [] if {"bind", "rbind"} & set(options) or mount.get("type") not in (None, "", "bind", "none") else ["rbind"]
    return {"destination": mount["containerPath"], "source": mount["hostPath"], "type": mount.get("type") or "bind",
            "options": [*bound, *options]}


def _node(node: Mapping[str, Any]) -> dict[str, Any]:
    """What the spec does not say of a device node is the host's."""
    said = {key: node[key] for key in ("type", "major", "minor", "fileMode", "uid", "gid") if key in node}
    if {"type", "major", "minor"} <= said.keys():
        return {"path": node["path"], **said}
    host = node.get("hostPath") or node["path"]
    try:
        status = os.stat(host)
    except OSError as missing:
        raise ContainerError(f"CDI: {host}: {missing.strerror}") from missing
    there = {"type": "b" if stat.S_ISBLK(status.st_mode) else "c", "major": os.major(status.st_rdev), "minor": os.minor(status.st_rdev),
             "fileMode": stat.S_IMODE(status.st_mode), "uid": status.st_uid, "gid": status.st_gid}
    return {"path": node["path"], **there, **said}
