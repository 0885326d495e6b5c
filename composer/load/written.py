"""What `config --no-interpolate` prints: with variables left in it, a file can be understood only so far. What docker compose needs for
merging, paths and names is in its long form; everything else stays as it was written."""

from __future__ import annotations

from typing import Any

from composer.errors import LoadError
from composer.load.canonical import CANONICAL
from composer.load.natural import ordered
from composer.load.node import Node, Path, Rule, Table, text

_PORTS: Rule = CANONICAL.below["services"].below["*"].below["ports"].rule  # type: ignore[assignment]
_EXTERNAL: Rule = CANONICAL.below["volumes"].below["*"].rule  # type: ignore[assignment]
_GPUS: Rule = CANONICAL.below["services"].below["*"].below["gpus"].rule  # type: ignore[assignment]


def _ports(node: Node, path: Path) -> Node:
    """Long, unless one of them cannot be understood: then all stay as they are."""
    if any(isinstance(entry.value, str) and "$" in entry.value for entry in node.entries):
        return node
    try:
        return _PORTS(node, path)
    except LoadError:
        return node


def _gpus(node: Node, path: Path) -> Node:
    return node.with_value([node.new({"count": "all"})]) if node.value == "all" else _GPUS(node, path)


def _ssh(node: Node, _path: Path) -> Node:
    """A list of ID or ID=PATH becomes a mapping."""
    if not isinstance(node.value, list):
        return node
    pairs = [(entry, text(entry.value).partition("=")) for entry in node.entries]
    return node.with_value({key: entry.with_value(value if assigned else None) for entry, (key, assigned, value) in pairs})


def _resource(node: Node, path: Path) -> Node:
    """Only the old `external: {name: X}` is turned into the new one."""
    external = node.find("external")
    return _EXTERNAL(node, path) if external is not None and isinstance(external.value, dict) else node


_KEPT = ("include", "include.*.env_file", "include.*.path", *(
    f"services.*.{attribute}" for attribute in (
        "build", "build.additional_contexts", "build.secrets.*", "configs.*", "depends_on", "depends_on.*", "devices.*",
        "deploy.resources.reservations.devices", "dns", "env_file", "env_file.*", "extends", "label_file", "models", "networks",
        "pull_policy", "secrets.*", "volumes.*")))


def _rule(pattern: str) -> Rule:
    table: Table[Rule] | None = CANONICAL
    for step in pattern.split("."):
        table = table.at(step) if table is not None else None
    assert table is not None and table.rule is not None
    return table.rule


WRITTEN: Table[Rule] = Table.of({
    **{pattern: _rule(pattern) for pattern in _KEPT},
    **{f"{kind}.*": _resource for kind in ("configs", "networks", "secrets", "volumes")},
    "services.*.build.ssh": _ssh,
    "services.*.gpus": _gpus,
    "services.*.ports": _ports,
})


def plain(root: Node) -> dict[str, Any]:
    """The tree as it is printed: keys in alphabetical order, nothing left out."""
    ordered: dict[str, Any] = _sorted(root.plain())
    return ordered


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in ordered(value)}
    return [_sorted(entry) for entry in value] if isinstance(value, list) else value
