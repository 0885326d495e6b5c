"""Attributes that are loaded and change nothing on one Linux machine, with the reason that `up` gives, once and with the place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from composer.load.node import Node, Path, Table, dotted

_CLUSTER = "there is one machine, and no scheduler"
_WINDOWS = "it is for Windows"
_ATTESTATION = "no attestation is made"

REASONS: Mapping[str, str] = {
    "networks.*.attachable": _CLUSTER,
    "services.*.build.cache_from": "the cache of this machine is used",
    "services.*.build.cache_to": "the cache of this machine is used",
    "services.*.build.isolation": _WINDOWS,
    "services.*.build.provenance": _ATTESTATION,
    "services.*.build.sbom": _ATTESTATION,
    "services.*.cpu_count": _WINDOWS,
    "services.*.cpu_percent": _WINDOWS,
    "services.*.credential_spec": _WINDOWS,
    "services.*.deploy.endpoint_mode": _CLUSTER,
    "services.*.deploy.placement": _CLUSTER,
    "services.*.deploy.resources.reservations.generic_resources": _CLUSTER,
    "services.*.deploy.rollback_config": _CLUSTER,
    "services.*.deploy.update_config": _CLUSTER,
    "services.*.isolation": _WINDOWS,
    "services.*.volumes.*.bind.selinux": "files are not labelled anew for SELinux",
    "services.*.volumes.*.consistency": "a bind on Linux is always consistent",
    "services.*.volumes.*.volume.labels": "a volume has the labels of its top-level element",
}
_TABLE = Table.of(REASONS)


def told(root: Node) -> list[str]:
    """A line for each attribute that is there, the first place of each: `services.web.deploy.placement has no effect: ...`."""
    first: dict[str, str] = {}
    for path, node, reason in _found(root, _TABLE, ()):
        attribute = ".".join(str(step) for step in path[2:] if isinstance(step, str))
        first.setdefault(attribute, f"{dotted(path)} has no effect: {reason} ({node.key_place})")
    return list(first.values())


def without(root: Node) -> Node:
    """The tree without them."""
    return _without(root, _TABLE)


def _found(node: Node, table: Table[str], path: Path) -> Iterator[tuple[Path, Node, str]]:
    if table.rule is not None:
        yield path, node, table.rule
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
