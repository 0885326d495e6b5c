"""Phase: every short syntax becomes its long one, so that later phases know a single form of each attribute.

The table at the end is the whole list: where, and which function. A function gets a node of a right shape and gives a new one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from composer.load import ports, volumes, words
from composer.load.node import Node, Path, Rule, Table, fail, text

LONGEST_COMMAND = 2**20
#: How many ports a service may publish: all there are, for TCP and UDP.
MOST_PORTS = 2 * 65535


def _text_to_list(node: Node, _path: Path) -> Node:
    return node.with_value([node.new(node.value)]) if isinstance(node.value, str) else node


def _omit_empty(node: Node, path: Path) -> Node:
    entries = _text_to_list(node, path).entries
    for index, entry in enumerate(entries):
        if entry.value is None and not entry.tag:
            raise fail(entry, (*path, index), "must be a string")
    return node.with_value([entry for entry in entries if entry.value != ""])


def _texts_to_mapping(value: Any) -> Rule:
    """A list of names becomes a mapping of each name to the same `value`."""
    def rule(node: Node, path: Path) -> Node:
        if not isinstance(node.value, list):
            return node
        names: dict[str, int] = {}
        for index, entry in enumerate(node.value):
            if not isinstance(entry.value, str):
                raise fail(entry, (*path, index), "must be a string")
            if names.setdefault(entry.value, index) != index:
                raise fail(entry, path, f"items at {names[entry.value]} and {index} are equal")
        return node.with_value({entry.value: entry.new(value) for entry in node.value})
    return rule


def _settings(node: Node, path: Path) -> Node:
    """A list of KEY=VALUE becomes a mapping; values become text; a KEY without value stays without."""
    if isinstance(node.value, list):
        fields = {}
        for index, entry in enumerate(node.entries):
            if entry.value is None and not entry.tag:
                raise fail(entry, (*path, index), "unexpected type <nil>", hint="write KEY=VALUE, or take the line out")
            key, assigned, value = text(entry.value).partition("=")
            fields[key] = entry.with_value(value if assigned else None)
        return node.with_value(fields)
    return node.with_value({key: entry if entry.value is None else entry.with_value(text(entry.value))
                            for key, entry in node.fields.items()})


def _variables(node: Node, path: Path) -> Node:
    """Settings for a process: a space behind a name would become part of it."""
    for entry in node.entries:
        name = text(entry.value).partition("=")[0]
        if name[-1:].isspace():
            raise fail(entry, path, f"environment variable {name} is declared with a trailing space")
    return _settings(node, path)


def _labels(node: Node, path: Path) -> Node:
    """Like settings; one without value is empty."""
    return node.with_value({key: entry if entry.tag else entry.with_value(text(entry.value))
                            for key, entry in _settings(node, path).fields.items()})


def _hosts(node: Node, path: Path) -> Node:
    """A list of HOST=ADDRESS, one an address."""
    pairs = [(_host(entry, path), entry) for entry in node.entries]
    for host, entry in node.fields.items():
        if entry.value is None:
            raise fail(entry, (*path, host), "must be a string", hint="write HOST: ADDRESS")
        pairs += [((host, address), entry) for address in ([text(a.value) for a in entry.entries] or [text(entry.value)])]
    return node.with_value([entry.new(f"{host}={_bare(address)}")
                            for (host, addresses), entry in pairs for address in addresses.split(",")])


def _host(entry: Node, path: Path) -> tuple[str, str]:
    line = text(entry.value)
    host, separator, address = line.partition("=") if "=" in line else line.partition(":")
    if not separator or not host:
        raise fail(entry, path, f"invalid additional host, missing IP: {line}", hint="write HOST=ADDRESS")
    return host, address


def _bare(address: str) -> str:
    return address[1:-1] if address.startswith("[") and address.endswith("]") else address


def _command(node: Node, path: Path) -> Node:
    if not isinstance(node.value, str):
        return node
    if len(node.value) > LONGEST_COMMAND:
        raise fail(node, path, f"longer than {LONGEST_COMMAND} characters", hint="the kernel takes no longer ones, see execve(2)")
    try:
        return node.with_value([node.new(word) for word in words.split(node.value)])
    except ValueError as wrong:
        raise fail(node, path, str(wrong), hint="quotes or parentheses do not match; a list needs no quoting") from wrong


def _shell_test(node: Node, _path: Path) -> Node:
    return node.with_value([node.new("CMD-SHELL"), node.new(node.value)]) if isinstance(node.value, str) else node


def _key(name: str) -> Rule:
    """A text alone stands for one key of the long form."""
    return lambda node, _path: node.with_value({name: node.new(node.value)}) if isinstance(node.value, str) else node


def _with_default(**defaults: Any) -> Rule:
    def rule(node: Node, _path: Path) -> Node:
        if not isinstance(node.value, dict):
            return node
        return node.with_value({**node.value, **{key: node.new(value) for key, value in defaults.items() if key not in node.value}})
    return rule


def _once(rule: Rule) -> Rule:
    """A list in which no line may be there twice; elsewhere the repeated one is dropped after merging."""
    def checked(node: Node, path: Path) -> Node:
        lines: dict[str, int] = {}
        for index, entry in enumerate(node.entries):
            if lines.setdefault(repr(entry.value), index) != index:
                raise fail(entry, path, "must be a mapping, or a list without repeated items "
                                        f"({lines[repr(entry.value)]} and {index} are equal)")
        return rule(node, path)
    return checked


def _both(first: Rule, second: Rule) -> Rule:
    return lambda node, path: second(first(node, path), path)


def _each(rule: Rule) -> Rule:
    """Apply a rule to each entry of a list (in one go with the list itself)."""
    return lambda node, path: node.with_value([entry if entry.tag else rule(entry, (*path, index))
                                               for index, entry in enumerate(node.entries)])


def _short(parse: Callable[[str], Any], *, variables: bool = False) -> Rule:
    """A text is parsed into one or several long entries; what `parse` refuses is the user's mistake. Variables are only left
    where interpolation is switched off; a text with some is left alone unless `parse` can cope with them."""
    def rule(node: Node, path: Path) -> Node:
        if not isinstance(node.value, str) or ("${" in node.value and not variables):
            return node
        try:
            return node.new(parse(node.value))
        except ValueError as wrong:
            raise fail(node, path, str(wrong)) from wrong
    return rule


def _ports(node: Node, path: Path) -> Node:
    entries: list[Node] = []
    for index, entry in enumerate(node.entries):
        if isinstance(entry.value, float):
            raise fail(entry, (*path, index), f"invalid port: {text(entry.value)}", hint="write it in quotes")
        if isinstance(entry.value, int):
            entry = entry.with_value(text(entry.value))
        long = _short(ports.parse)(entry, (*path, index))
        if host_ip := long.find("host_ip"):
            _short(ports.address)(host_ip, (*path, index, "host_ip"))
        several = long.entries if isinstance(long.value, list) else [_with_default(mode="ingress", protocol="tcp")(long, path)]
        if any(one.fields and one.get("target") in ((None,) if entry.fields else (None, 0)) for one in several):
            raise fail(entry, (*path, index), "is missing a target port")
        entries += several
        if len(entries) > MOST_PORTS:
            raise fail(entry, (*path, index), "more ports than there are")
    return node.with_value(entries)


def _mount(node: Node, path: Path) -> Node:
    long = _short(volumes.parse, variables=True)(node, path)
    return volumes.cleaned(long) if isinstance(node.value, str) else long


def _device(line: str) -> dict[str, str]:
    parts = line.split(":")
    if len(parts) > 3:
        raise ValueError(f"confusing device mapping, please use long syntax: {line}")
    source, target, permissions = (*parts, *("", "", "")[len(parts):])
    return {"source": source, "target": target or source, "permissions": permissions or "rwm"}


def _device_mapping(node: Node, path: Path) -> Node:
    long = _short(_device)(node, path)
    if node.fields and not node.get("target"):
        raise fail(node, path, "service device is missing a mount target", hint="give it a target: the path in the container")
    return long


def _device_requests(node: Node, path: Path) -> Node:
    entries = []
    for index, entry in enumerate(node.entries):
        if entry.find("count") and entry.find("device_ids"):
            raise fail(entry, (*path, index), "count and device_ids attributes are exclusive")
        entries.append(entry if entry.find("device_ids") else _with_default(count=-1)(entry, path))
    return node.with_value(entries)


def _gpus(node: Node, path: Path) -> Node:
    return node.with_value([node.new({"count": -1})]) if node.value == "all" else _device_requests(node, path)


def _secret_target(node: Node, _path: Path) -> Node:
    long = _key("source")(node, ())
    source = long.get("source")
    return _with_default(target=f"/run/secrets/{source}")(long, ()) if source else long


def _external(node: Node, path: Path) -> Node:
    """The old `external: {name: X}`; `external: false` says nothing."""
    external = node.find("external")
    if external is None:
        return node
    if not isinstance(external.value, dict):
        return node.with_fields(external=None) if external.value is False else node
    old, name = external.get("name"), node.get("name")
    if old and name and old != name:
        raise fail(external, path, "name and external.name conflict; only use name")
    return node.with_fields(external=external.new(True), name=node.find("name") or external.find("name"))


def _ssh(node: Node, path: Path) -> Node:
    """A list of ID or ID=PATH."""
    lines = [entry.with_value(re.sub(r"^(\w+): ", r"\1=", text(entry.value))) for entry in node.entries]  # as `config` prints them
    pairs = _settings(node.with_value(lines) if lines else node, path).fields.items()
    return node.with_value([entry.new(f"{key}={entry.value}" if entry.value else key) for key, entry in pairs])


def _watch(node: Node, _path: Path) -> Node:
    """A rule with several paths is several rules."""
    rules: list[Node] = []
    for rule in node.entries:
        path = rule.find("path")
        paths = path.entries if path else []
        rules += [rule.with_fields(path=one) for one in paths] if paths else [rule]
    return node.with_value(rules)


def _options(node: Node, _path: Path) -> Node:
    """Options of a provider may come several times: each is a list."""
    entries = node.entries if isinstance(node.value, list) else [node]
    return node.with_value([node.new(text(entry.value)) for entry in entries])


def _pull_policy(node: Node, _path: Path) -> Node:
    return node.with_value("missing") if node.value == "if_not_present" else node


_HOOKS = {f"services.*.{hook}.*.{key}": rule for hook in ("post_start", "pre_stop", "pre_start")
          for key, rule in (("command", _command), ("environment", _once(_settings)))}

CANONICAL = Table.of({
    **_HOOKS,
    "configs.*": _external,
    "configs.*.labels": _once(_labels),
    "include": _each(_key("path")),
    "include.*.env_file": _text_to_list,
    "include.*.path": _text_to_list,
    "networks.*": _external,
    "networks.*.labels": _labels,
    "secrets.*": _external,
    "secrets.*.labels": _once(_labels),
    "services.*.annotations": _labels,
    "services.*.build": _key("context"),
    "services.*.build.additional_contexts": _settings,
    "services.*.build.args": _variables,
    "services.*.build.extra_hosts": _once(_hosts),
    "services.*.build.labels": _labels,
    "services.*.build.no_cache_filter": _text_to_list,
    "services.*.build.secrets.*": _key("source"),
    "services.*.build.ssh": _once(_ssh),
    "services.*.command": _command,
    "services.*.configs.*": _key("source"),
    "services.*.depends_on": _texts_to_mapping({"condition": "service_started", "required": True}),
    "services.*.depends_on.*": _with_default(required=True),
    "services.*.deploy.labels": _labels,
    "services.*.deploy.resources.reservations.devices": _device_requests,
    "services.*.deploy.resources.reservations.devices.*.options": _settings,
    "services.*.develop.watch": _watch,
    "services.*.develop.watch.*.exec.command": _command,
    "services.*.develop.watch.*.exec.environment": _settings,
    "services.*.develop.watch.*.ignore": _text_to_list,
    "services.*.develop.watch.*.include": _text_to_list,
    "services.*.devices.*": _device_mapping,
    "services.*.dns": _omit_empty,
    "services.*.dns_search": _text_to_list,
    "services.*.entrypoint": _command,
    "services.*.env_file": _both(_text_to_list, _each(_key("path"))),
    "services.*.env_file.*": _with_default(required=True),
    "services.*.environment": _variables,
    "services.*.extends": _key("service"),
    "services.*.extra_hosts": _once(_hosts),
    "services.*.gpus": _gpus,
    "services.*.gpus.*.options": _settings,
    "services.*.healthcheck.test": _shell_test,
    "services.*.label_file": _text_to_list,
    "services.*.labels": _labels,
    "services.*.logging.options": _labels,
    "services.*.models": _texts_to_mapping(None),
    "services.*.networks": _texts_to_mapping(None),
    "services.*.ports": _ports,
    "services.*.provider.options.*": _options,
    "services.*.pull_policy": _pull_policy,
    "services.*.secrets.*": _secret_target,
    "services.*.sysctls": _labels,
    "services.*.tmpfs": _text_to_list,
    "services.*.volumes.*": _mount,
    "services.*.volumes.*.volume.labels": _once(_labels),
    "volumes.*": _external,
    "volumes.*.labels": _once(_labels),
})
