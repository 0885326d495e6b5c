"""What `run` makes of a service: the blueprint of its one-off container, and the project that this one is part of. Pure but for paths."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from composer.errors import UsageError
from composer.load import ports, volumes
from composer.load.bind import mount
from composer.model.blueprint import Blueprint
from composer.model.mounts import Mount, Volume
from composer.model.network import Attachment
from composer.model.ports import Port
from composer.model.project import Project
from composer.model.service import Service


@dataclass(frozen=True, slots=True)
class Changes:
    """How the one-off container differs from its service. `ports` and `mounts` are in short syntax; `entrypoint` None is the service's."""

    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] | None = None
    environment: dict[str, str] = field(default_factory=dict)
    user: str = ""
    working_dir: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    service_ports: bool = False
    mounts: tuple[str, ...] = ()
    aliases: bool = False
    tty: bool = False


def changed(project: Project, service: Service, changes: Changes) -> tuple[Blueprint, Project]:
    """Ports stay closed unless asked for, and no restart policy applies; an entrypoint of the caller's drops the file's command."""
    mounts = tuple(_mount(text, project.working_dir) for text in changes.mounts)
    update: dict[str, Any] = {
        "restart": "no",
        "ports": (*(service.ports if changes.service_ports else ()), *_ports(changes.ports)),
        "container_name": None,
        "deploy": service.deploy.model_copy(update={"restart_policy": None}),
        "environment": {**service.environment, **changes.environment},
        "labels": {**service.labels, **changes.labels},
        "cap_add": _with(service.cap_add, changes.cap_add, changes.cap_drop),
        "cap_drop": _with(service.cap_drop, changes.cap_drop, changes.cap_add),
        "volumes": (*_other(service.volumes, mounts), *mounts),
        "networks": {key: _network(one, service.name, changes) for key, one in service.networks.items()},
        "tty": changes.tty,
        **_process(changes),
    }
    surroundings = project.model_copy(update={"volumes": {**_new_volumes(project, mounts), **project.volumes}})
    return Blueprint.of(service.model_copy(update=update), surroundings), surroundings


def _process(changes: Changes) -> dict[str, Any]:
    update: dict[str, Any] = {key: value for key, value in (("user", changes.user), ("working_dir", changes.working_dir)) if value}
    if changes.entrypoint is not None:
        update |= {"entrypoint": changes.entrypoint, "command": ()}
    if changes.command:
        update["command"] = changes.command
    return update


def _network(attachment: Attachment, service: str, changes: Changes) -> Attachment:
    """Fixed addresses are the service's own containers'."""
    aliases = (service, *attachment.aliases) if changes.aliases else ()
    return attachment.model_copy(update={"aliases": aliases, "ipv4_address": None, "mac_address": None})


def _with(names: tuple[str, ...], more: Iterable[str], less: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*(name for name in names if name not in less), *more]))


def _ports(texts: Iterable[str]) -> tuple[Port, ...]:
    try:
        return tuple(Port.model_validate(entry) for text in texts for entry in ports.parse(text))
    except ValueError as wrong:
        raise UsageError(f"--publish: {wrong}", hint="[[IP:]HOST:]CONTAINER[/PROTOCOL], for example 8080:80") from wrong


def _mount(text: str, folder: str) -> Mount:
    try:
        entry = volumes.parse(text)
        if entry["type"] == "bind":
            entry["source"] = os.path.normpath(os.path.join(folder, os.path.expanduser(entry["source"])))
        entry.get("bind", {}).pop("selinux", None)  # as in a file: no label on machines without SELinux
        return Mount.model_validate(mount(entry))
    except ValueError as wrong:
        raise UsageError(f"--volume {text}: {wrong}", hint="[SOURCE:]TARGET[:OPTIONS], for example ./data:/data:ro") from wrong


def _other(there: Iterable[Mount], mounts: Iterable[Mount]) -> list[Mount]:
    taken = {one.target for one in mounts}
    return [one for one in there if one.target not in taken]


def _new_volumes(project: Project, mounts: Iterable[Mount]) -> dict[str, Volume]:
    """Volumes that the file does not name become the project's."""
    keys = [one.source for one in mounts if one.type == "volume" and one.source]
    return {key: Volume(key=key, name=f"{project.name}_{key}") for key in keys}
