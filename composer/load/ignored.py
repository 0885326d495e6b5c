"""Attributes that are loaded and change nothing on one Linux machine, with the reason that `up` gives, once and with the place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from platform import machine
from typing import Any

from composer.load.node import Node, Path, Table, dotted

#: The reason for a value, "" when it means what it says.
Why = Callable[[Any], str]

#: Where Docker Model Runner listens on a host, as containers see it.
MODELS, MODELS_VARIABLE = "http://host.docker.internal:12434/engines/v1/", "COMPOSER_MODELS_URL"
LOG_DRIVERS = ("json-file", "local", "none")
_CLUSTER = "there is one machine, and no scheduler"
_WINDOWS = "it is for Windows"
_ATTESTATION = "no attestation is made"
_CACHE = "the cache of this machine is used"
_LOG_LINES = "log lines have nothing added"
_LOG_BUFFER = "nothing is dropped, the container waits for its log"
#: Options of Docker's log drivers json-file and local that composer does not heed.
LOG_OPTIONS = {"compress": "rotated logs stay as they are", "env": _LOG_LINES, "env-regex": _LOG_LINES, "labels": _LOG_LINES,
               "labels-regex": _LOG_LINES, "tag": _LOG_LINES, "max-buffer-size": _LOG_BUFFER, "mode": _LOG_BUFFER}


def _log_driver(value: Any) -> str:
    return "" if value in ("", *LOG_DRIVERS) else f"there is no driver {value!r}, the log is kept as with json-file"


_MACHINES = {"x86_64": ("amd64", "x86_64", "x86-64"), "aarch64": ("arm64", "aarch64")}


def own_platform() -> tuple[str, ...]:
    """The names of this machine's architecture, the usual one first."""
    return _MACHINES.get(machine(), (machine(),))


def is_own_platform(value: Any) -> bool:
    system, _, architecture = str(value).partition("/")
    return system == "linux" and architecture.partition("/")[0] in ("", *own_platform())


def _other_platform(value: Any) -> str:
    return "" if is_own_platform(value) else f"only linux/{own_platform()[0]} is built, this machine's platform"


def _deploy_mode(value: Any) -> str:
    return "" if value in ("", "replicated") else _CLUSTER


def _security_option(value: Any) -> str:
    return _WINDOWS if str(value).startswith("credentialspec") else ""


def _model(_value: Any) -> str:
    return f"composer runs no models, the service is told to look at {MODELS}, or where the variable {MODELS_VARIABLE} says"


def _api_socket(value: Any) -> str:
    return "there is no engine, and no socket of one" if value else ""


#: Some values of these have no effect.
PARTLY: Mapping[str, Why] = {
    "services.*.models.*": _model,
    "services.*.build.platforms.*": _other_platform,
    "services.*.deploy.mode": _deploy_mode,
    "services.*.logging.driver": _log_driver,
    "services.*.security_opt.*": _security_option,
    "services.*.use_api_socket": _api_socket,
}
REASONS: Mapping[str, str] = {
    "configs.*.template_driver": "templates are not filled in",
    "networks.*.attachable": "every network is",
    "networks.*.ipam.options": "composer gives the addresses itself",
    "secrets.*.driver": "the file or the variable is the secret",
    "secrets.*.driver_opts": "the file or the variable is the secret",
    "secrets.*.template_driver": "templates are not filled in",
    "services.*.build.cache_from": _CACHE,
    "services.*.build.cache_to": _CACHE,
    "services.*.build.entitlements": "no RUN instruction gets more by itself; `privileged` gives all of them more",
    "services.*.build.isolation": _WINDOWS,
    "services.*.build.provenance": _ATTESTATION,
    "services.*.build.sbom": _ATTESTATION,
    **{f"services.*.build.secrets.*.{name}": "the instruction says it: RUN --mount=type=secret,uid=...,gid=...,mode=..."
       for name in ("gid", "mode", "uid")},
    "services.*.cpu_count": _WINDOWS,
    "services.*.cpu_percent": _WINDOWS,
    "services.*.credential_spec": _WINDOWS,
    "services.*.deploy.endpoint_mode": _CLUSTER,
    "services.*.deploy.placement": _CLUSTER,
    "services.*.deploy.resources.reservations.generic_resources": _CLUSTER,
    "services.*.deploy.rollback_config": _CLUSTER,
    "services.*.deploy.update_config": _CLUSTER,
    "services.*.isolation": _WINDOWS,
    "services.*.storage_opt": "what a container writes is limited by the disk alone",
    "services.*.volumes.*.bind.selinux": "files are not labelled anew for SELinux",
    "services.*.volumes.*.consistency": "a bind on Linux is always consistent",
    "services.*.volumes.*.volume.labels": "a volume has the labels of its top-level element",
}
_GONE: Table[str] = Table.of(REASONS)


def _always(reason: str) -> Why:
    return lambda _value: reason


_TABLE: Table[Why] = Table.of({
    **{pattern: _always(reason) for pattern, reason in REASONS.items()}, **PARTLY,
    **{f"services.*.logging.options.{name}": _always(reason) for name, reason in LOG_OPTIONS.items()}})


def told(root: Node) -> list[str]:
    """A line for each attribute that is there, the first place of each: `services.web.deploy.placement has no effect: ...`."""
    first: dict[str, str] = {}
    for path, node, reason in _found(root, _TABLE, ()):
        attribute = ".".join(str(step) for step in path[2:] if isinstance(step, str))
        first.setdefault(attribute, f"{dotted(path)} has no effect: {reason} ({node.key_place})")
    return list(first.values())


def without(root: Node) -> Node:
    """The tree without what never has an effect."""
    return _without(root, _GONE)


def _found(node: Node, table: Table[Why], path: Path) -> Iterator[tuple[Path, Node, str]]:
    if table.rule is not None:
        if reason := table.rule(node.plain()):
            yield path, node, reason
        return
    steps: list[tuple[str | int, Node]] = [*node.fields.items(), *enumerate(node.entries)]
    for step, entry in steps:
        below = table.at(step)
        if below is not None:
            yield from _found(entry, below, (*path, step))


def _without(node: Node, table: Table[str]) -> Node:
    if not table.below:
        return node
    if isinstance(node.value, list):
        below = table.at("*")
        return node.with_value([_without(entry, below) for entry in node.value]) if below is not None else node
    kept = {}
    for key, entry in node.fields.items():
        below = table.at(key)
        if below is None or below.rule is None:
            kept[key] = entry if below is None else _without(entry, below)
    return node.with_value(kept) if isinstance(node.value, dict) else node
