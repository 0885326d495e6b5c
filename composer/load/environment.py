"""Phase: variables without a value are passed on from outside; `env_file` and `label_file` are read into `environment` and
`labels`, which win over them."""

from __future__ import annotations

import os.path
from collections.abc import Collection, Mapping

from composer.errors import LoadError
from composer.load import dotenv, reading
from composer.load.node import Node, Path, Rule, Table, fail, rewrite
from composer.load.scope import Scope
from composer.load.template import Lookup, unset


def passed_on(variables: Node, environment: Mapping[str, str]) -> Node:
    """Variables that have no value take the one that they have outside; those that have none there stay without."""
    if isinstance(variables.value, list):
        return variables.with_value([entry.with_value(f"{entry.value}={environment[entry.value]}") if entry.value in environment else entry
                                     for entry in variables.entries])
    return variables.with_value({key: entry.with_value(environment[key]) if entry.value is None and key in environment else entry
                                 for key, entry in variables.fields.items()})


def pass_on(root: Node, environment: Mapping[str, str]) -> Node:
    """The `KEY` alone of `environment`, in every service."""
    rules: Mapping[str, Rule] = {"services.*.environment": lambda node, _path: passed_on(node, environment)}
    return rewrite(root, Table.of(rules), [])


def resolve(root: Node, scope: Scope, needed: Collection[str], problems: list[LoadError]) -> Node:
    """Read the files of every service; one that is missing is a problem only for services that are `needed` now."""
    services = root.find("services")
    if services is None:
        return root
    return root.with_fields(services=services.with_value({
        name: _service(service, ("services", name), scope, problems if name in needed else [])
        for name, service in services.fields.items()}))


def _service(service: Node, path: Path, scope: Scope, problems: list[LoadError]) -> Node:
    own = service.get("environment") or {}

    def lookup(name: str) -> str | None:
        value = scope.environment.get(name)
        return own.get(name) if value is None else value

    if files := service.find("env_file"):
        found: dict[str, Node] = {}
        for index, entry in enumerate(files.entries):
            found.update(_read(entry, (*path, "env_file", index), scope, lookup, problems))
        service = _below(service, "environment", found).with_fields(env_file=None)
    if files := service.find("label_file"):
        labels: dict[str, Node] = {}

        def earlier(name: str) -> str | None:
            """Label files see only lines of their own."""
            return labels[name].value if name in labels else None

        for index, entry in enumerate(files.entries):
            labels.update(_read(entry.new({"path": entry, "required": True}), (*path, "label_file", index), scope, earlier, problems))
        service = _below(service, "labels", labels).with_fields(label_file=None)
    return service


def _read(entry: Node, path: Path, scope: Scope, lookup: Lookup, problems: list[LoadError]) -> dict[str, Node]:
    file = os.path.join(scope.folder, entry.get("path"))
    style = entry.get("format") or ""
    if not entry.get("required") and not reading.is_there(file):
        return {}
    try:
        if style not in ("", "raw"):
            raise fail(entry, path, f"unsupported env_file format {style!r}", hint="raw is the only one")
        found = dotenv.read(file, lookup, lambda name: scope.warn(unset(name)), raw=style == "raw",
                            kind="label file" if "label_file" in path else "env file")
        return {key: entry.new(value) for key, value in found.items()}
    except LoadError as wrong:
        problems.append(wrong if wrong.place else fail(entry, path, wrong.message))
        return {}


def _below(service: Node, attribute: str, found: Mapping[str, Node]) -> Node:
    own = service.find(attribute)
    fields = {**found, **(own.fields if own is not None else {})}
    return service.with_fields(**{attribute: service.new(fields)}) if fields else service
