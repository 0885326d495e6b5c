"""Phase: one tree on top of another, both canonical. Mappings are merged, lists appended and made unique, other values
replaced; `null` keeps what is there. The two tables say where it is different. `!reset` takes away, `!override` replaces."""

from __future__ import annotations

from collections.abc import Callable

from composer.errors import LoadError
from composer.load.node import OVERRIDE, RESET, Node, Path, Rule, Table, fail, rewrite, text

Merger = Callable[[Node, Node, Path], Node]


def _pairs(special: Table[Merger] | None) -> Merger:
    """KEY=VALUE in a list on top of a mapping, or the other way round: only where variables are left in the files are there lists."""
    def merger(base: Node, over: Node, path: Path) -> Node:
        if over.value is None:
            return base
        if isinstance(base.value, dict) and isinstance(over.value, dict):
            return _merge_fields(base, over, path, special)
        return _append(_listed(base), _listed(over))
    return merger


def _listed(node: Node) -> Node:
    return node if isinstance(node.value, list) else node.with_value(
        [entry.with_value(key if entry.value is None else f"{key}={text(entry.value)}") for key, entry in node.fields.items()])


def _replace(base: Node, over: Node, _path: Path) -> Node:
    return base if over.value is None else over


def _replace_even_by_null(_base: Node, over: Node, _path: Path) -> Node:
    return over


def _logging(base: Node, over: Node, path: Path) -> Node:
    """Options belong to a driver: they are merged when both have the same one, or one of them names none."""
    if over.value is None:
        return base
    drivers = {driver for driver in (base.get("driver"), over.get("driver")) if driver}
    return over if len(drivers) > 1 else _merge_fields(base, over, path)


def _subnets(base: Node, over: Node, path: Path) -> Node:
    """Entries of `ipam.config` with the same subnet are merged."""
    kept = {entry.get("subnet"): entry for entry in base.entries}
    for entry in over.entries:
        subnet = entry.get("subnet")
        kept[subnet] = merge(kept[subnet], entry, (*path, 0)) if subnet in kept else entry
    return over.with_value(list(kept.values()))


_SETTINGS = ("annotations", "build.labels", "deploy.labels", "labels", "sysctls")
_VARIABLES = ("build.args", "environment")

#: Where merging is not what it is everywhere else.
SPECIAL: Table[Merger] = Table.of({
    **{f"services.*.{attribute}": _pairs(None) for attribute in _SETTINGS},
    **{f"services.*.{attribute}": _pairs(Table.of({"*": _replace_even_by_null})) for attribute in _VARIABLES},
    "networks.*.ipam.config": _subnets,
    "services.*.command": _replace_even_by_null,
    "services.*.entrypoint": _replace_even_by_null,
    "services.*.healthcheck.test": _replace_even_by_null,
    "services.*.logging": _logging,
    "services.*.ulimits.*": _replace,
})

#: The part that holds below a service.
SERVICE = SPECIAL.below["services"].below["*"]


def _value(entry: Node) -> str:
    return repr(entry.value)


def _of(*keys: str) -> Callable[[Node], str]:
    return lambda entry: repr([entry.get(key) for key in keys]) if entry.fields else repr(entry.plain())


def _port(entry: Node) -> str:
    host = entry.get("host_ip") or "0.0.0.0"
    return f"{host}:{entry.get('published')}:{entry.get('target')}/{entry.get('protocol')}" if entry.fields else _value(entry)


def _grant(folder: str) -> Callable[[Node], str]:
    return lambda entry: str(entry.get("target") or f"{folder}/{entry.get('source')}")


def _before(separator: str) -> Callable[[Node], str]:
    return lambda entry: str(entry.value).partition(separator)[0]


def _unique(key: Callable[[Node], str]) -> Rule:
    return lambda node, _path: node.with_value(list({key(entry): entry for entry in node.entries}.values())) if node.entries else node


#: Lists in which two entries with the same key are one: the later takes the earlier one's place.
UNIQUE: Table[Rule] = Table.of({pattern: _unique(key) for pattern, key in {
    **{f"services.*.{attribute}": _before("=") for attribute in (*_SETTINGS, *_VARIABLES)},
    "services.*.build.extra_hosts": _value,
    "services.*.build.no_cache_filter": _value,
    "services.*.build.tags": _value,
    "services.*.cap_add": _value,
    "services.*.cap_drop": _value,
    "services.*.configs": _grant(""),
    "services.*.devices": _of("target"),
    "services.*.dns": _value,
    "services.*.dns_opt": _value,
    "services.*.dns_search": _value,
    "services.*.env_file": _of("path"),
    "services.*.expose": lambda entry: str(entry.value),
    "services.*.extra_hosts": _value,
    "services.*.label_file": _value,
    "services.*.links": _before("="),
    "services.*.networks.*.aliases": _value,
    "services.*.networks.*.link_local_ips": _value,
    "services.*.ports": _port,
    "services.*.profiles": _value,
    "services.*.secrets": _grant("/run/secrets"),
    "services.*.tmpfs": _value,
    "services.*.volumes": _of("target"),
}.items()})




def merge(base: Node, over: Node, path: Path = (), special: Table[Merger] | None = SPECIAL) -> Node:
    """Put `over` on top of `base`. Tags of `over` are kept, for it may be merged again; `settle` does away with them.

    Raises LoadError where a mapping meets a list."""
    if over.tag or base.tag == RESET:
        return over
    if special is not None and special.rule is not None:
        return special.rule(base, over, path)
    if over.value is None:
        return base
    if isinstance(base.value, dict) and isinstance(over.value, dict):
        return _merge_fields(base, over, path, special)
    if isinstance(base.value, list) and isinstance(over.value, list):
        return _append(base, over)
    if isinstance(base.value, dict | list):
        raise fail(over, path, "cannot override a mapping or a list with something else", hint="write !override in front of the value")
    return over


def _merge_fields(base: Node, over: Node, path: Path, special: Table[Merger] | None = None) -> Node:
    fields = dict(base.value)
    for key, entry in over.value.items():
        if key in fields:
            fields[key] = merge(fields[key], entry, (*path, key), special.at(key) if special is not None else None)
        else:
            fields[key] = entry
    return over.with_value(fields)


def _append(base: Node, over: Node) -> Node:
    """An entry to be reset takes away the entry of the base in its place."""
    gone = {index for index, entry in enumerate(over.value) if entry.tag == RESET}
    kept = [entry for index, entry in enumerate(base.value) if index not in gone]
    return over.with_value(kept + [entry for entry in over.value if entry.tag != RESET])


def settle(node: Node) -> Node:
    """After the last merge: what was to be reset is gone, and nothing is tagged any more."""
    if isinstance(node.value, dict):
        node = node.with_value({key: settle(entry) for key, entry in node.value.items() if entry.tag != RESET})
    elif isinstance(node.value, list):
        node = node.with_value([settle(entry) for entry in node.value if entry.tag != RESET])
    return Node(node.value, node.file, node.line, node.column, "", node.key) if node.tag == OVERRIDE else node


def make_unique(root: Node, problems: list[LoadError]) -> Node:
    """Drop entries of lists that a later one redefines."""
    return rewrite(root, UNIQUE, problems)
