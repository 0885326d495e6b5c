"""Tree -> text, in the form in which `docker compose config` prints it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from composer.load.document import is_text
from composer.load.natural import ordered
from composer.load.node import Node, Table, Timestamp, text

#: The order of keys, by the attribute that they belong to; others follow in alphabetical order, x-* last.
_TOP = ("name", "services", "networks", "volumes", "secrets", "configs", "models")
_SERVICE = (
    "profiles", "annotations", "attach", "build", "develop", "blkio_config", "cap_add", "cap_drop", "cgroup_parent", "cgroup",
    "cpu_count", "cpu_percent", "cpu_period", "cpu_quota", "cpu_rt_period", "cpu_rt_runtime", "cpus", "cpuset", "cpu_shares",
    "command", "configs", "container_name", "credential_spec", "depends_on", "deploy", "device_cgroup_rules", "devices", "dns",
    "dns_opt", "dns_search", "domainname", "entrypoint", "provider", "environment", "env_file", "expose", "extends",
    "external_links", "extra_hosts", "group_add", "gpus", "hostname", "healthcheck", "image", "init", "ipc", "isolation",
    "labels", "label_file", "links", "logging", "mem_limit", "mem_reservation", "memswap_limit", "mem_swappiness",
    "mac_address", "models", "network_mode", "networks", "oom_kill_disable", "oom_score_adj", "pid", "pids_limit", "platform",
    "ports", "privileged", "pull_policy", "read_only", "restart", "runtime", "scale", "secrets", "security_opt", "shm_size",
    "stdin_open", "stop_grace_period", "stop_signal", "storage_opt", "sysctls", "tmpfs", "tty", "ulimits", "use_api_socket",
    "user", "userns_mode", "uts", "volumes", "volumes_from", "working_dir", "pre_start", "post_start", "pre_stop")
_DEPLOY = ("mode", "replicas", "labels", "update_config", "rollback_config", "resources", "restart_policy", "placement", "endpoint_mode")
_HOOK = ("command", "image", "user", "privileged", "working_dir", "environment", "per_replica")
_UPDATE = ("parallelism", "delay", "failure_action", "monitor", "max_failure_ratio", "order")
_BELOW = {
    "build": (
        "context", "dockerfile", "dockerfile_inline", "entitlements", "args", "provenance", "sbom", "ssh", "labels",
        "cache_from", "cache_to", "no_cache", "no_cache_filter", "additional_contexts", "pull", "extra_hosts", "isolation",
        "network", "target", "secrets", "shm_size", "tags", "ulimits", "platforms", "privileged"),
    "depends_on": ("condition", "restart", "required"),
    "deploy": _DEPLOY,
    "devices": ("source", "target", "permissions", "capabilities", "driver", "count", "device_ids"),
    "gpus": ("capabilities", "driver", "count", "device_ids", "options"),
    "healthcheck": ("test", "timeout", "interval", "retries", "start_period", "start_interval", "disable"),
    "ipam": ("driver", "config", "options"),
    "ipam.config": ("subnet", "gateway", "ip_range", "aux_addresses"),
    "limits": ("cpus", "memory", "pids"),
    "logging": ("driver", "options"),
    "ports": ("name", "mode", "host_ip", "target", "published", "protocol", "app_protocol"),
    "placement": ("constraints", "preferences", "max_replicas_per_node"),
    "pre_start": _HOOK,
    "pre_stop": _HOOK,
    "post_start": _HOOK,
    "exec": _HOOK,
    "provider": ("type", "options"),
    "reservations": ("cpus", "memory", "pids", "devices", "generic_resources"),
    "rollback_config": _UPDATE,
    "restart_policy": ("condition", "delay", "max_attempts", "window"),
    "update_config": _UPDATE,
    "volumes": ("type", "source", "target", "read_only", "consistency", "bind", "volume", "tmpfs", "image"),
    "ulimits": ("soft", "hard"),
    "watch": ("path", "action", "target", "exec", "include", "ignore", "initial_sync"),
    "bind": ("selinux", "propagation", "create_host_path", "recursive"),
    "secrets": ("source", "target", "uid", "gid", "mode"),
    "configs": ("source", "target", "uid", "gid", "mode"),
    "blkio_config": ("weight", "weight_device", "device_read_bps", "device_read_iops", "device_write_bps", "device_write_iops"),
    "tmpfs": ("size", "mode"),
}
_RESOURCE = (
    "name", "model", "context_size", "runtime_flags", "file", "environment", "content", "driver", "driver_opts", "template_driver",
    "ipam", "external", "internal", "attachable", "labels", "enable_ipv4", "enable_ipv6")
#: Values that say something although they are empty, zero or false.
_SAY_SOMETHING = frozenset((
    "services", "build", "deploy", "update_config", "rollback_config", "limits", "reservations", "restart_policy", "develop",
    "healthcheck", "logging",
    "attach", "bind", "blkio_config", "command", "delay", "enable_ipv4", "enable_ipv6", "entrypoint", "hard",
    "init", "interval", "max_attempts", "monitor", "parallelism", "replicas", "required", "retries", "scale", "soft",
    "start_interval", "start_period", "stop_grace_period", "timeout", "volume", "window"))
#: The same, only in certain mappings.
_SAY_SOMETHING_THERE = frozenset((("ports", "target"), ("volumes", "tmpfs"), ("discrete_resource_spec", "value")))
#: Sizes are text that is a number: zero says nothing.
_SIZES = frozenset(("shm_size", "mem_limit", "mem_reservation", "memswap_limit", "mem_swappiness", "memory", "size"))
#: Known to the specification, but not to docker compose's model: it takes them and does not print them.
_NOT_PRINTED = (("ipam", "options"),)
#: Mappings with keys of the user's own: nothing in them is left out.
_FREE = frozenset(("args", "labels", "environment", "driver_opts", "options", "sysctls", "annotations", "networks", "depends_on", "ulimits",
                   "volumes", "services", "secrets", "configs", "models", "storage_opt", "aux_addresses", "additional_contexts"))


def printable(root: Node) -> dict[str, Any]:
    """Plain dicts and lists with the keys in order; empty values are left out where they say nothing."""
    return _mapping({"services": {}, **root.plain()}, ())


def _is_nothing(value: Any, key: str, path: tuple[str, ...]) -> bool:
    """Zero as text: sizes, and the durations of an update."""
    return (value == "0" and key in _SIZES) or (value == "0s" and path[-1:] in (("update_config",), ("rollback_config",)))


def in_order(service: dict[str, Any]) -> dict[str, Any]:
    """A service in its JSON form, its attributes as the specification's model has them."""
    order = {key: index for index, key in enumerate(_SERVICE)}
    form = json_form(_without_extensions(service, ""), _ALWAYS.below["services"].below["*"])
    return {key: form[key] for key in sorted(form, key=lambda key: order.get(key, len(order)))}


def _without_extensions(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        if name in _FREE:
            return {key: _without_extensions(value[key], key) for key in sorted(value)}
        return {key: _without_extensions(entry, key) for key, entry in value.items() if not key.startswith("x-")}
    return [_without_extensions(entry, "") for entry in value] if isinstance(value, list) else value


def _mapping(value: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    free = bool(path) and path[-1] in _FREE
    order = _order(path)
    keys = sorted(ordered(value), key=lambda key: (key.startswith("x-") and not free, order.get(key, len(order))))
    printed = {}
    for key in keys:
        if (*path[-1:], key) in _NOT_PRINTED or (not free and _is_nothing(value[key], key, path)):
            continue
        entry = _sorted(value[key]) if key.startswith("x-") and not free else _value(value[key], (*path, key))
        if free or key.startswith("x-") or entry not in (None, "", False, 0, [], {}) or (
                entry is not None and (key in _SAY_SOMETHING or (_name(path), key) in _SAY_SOMETHING_THERE)):
            printed[key] = entry
    return printed


def _name(path: tuple[str, ...]) -> str:
    """The attribute that a mapping belongs to, also when it is one of several in a list."""
    return next((step for step in reversed(path) if step != "[]"), "")


def _value(value: Any, path: tuple[str, ...]) -> Any:
    if value == 0 and path[-2:-1] == ("ulimits",):
        return {"soft": 0, "hard": 0}
    if path[-2:] == ("build", "ssh"):
        return [entry.replace("=", ": ", 1) for entry in value]
    if isinstance(value, dict):
        return _mapping(value, path)
    if isinstance(value, list):
        entries = [_value(entry, (*path, "[]")) for entry in value]
        return sorted(entries) if path[-1] == "extra_hosts" else entries
    return value


def _sorted(value: Any) -> Any:
    """Extension fields: nothing is left out, keys in alphabetical order."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in ordered(value)}
    return [_sorted(entry) for entry in value] if isinstance(value, list) else value


def _order(path: tuple[str, ...]) -> dict[str, int]:
    names = tuple(step for step in path if step != "[]")
    return {key: index for index, key in enumerate(_key_order(names, in_list=path[-1:] == ("[]",)))}


def _key_order(names: tuple[str, ...], *, in_list: bool) -> tuple[str, ...]:
    """The keys of a mapping at a path; an entry of a mapping with free keys goes by what that mapping is."""
    if len(names) < 2:
        return () if names else _TOP
    if len(names) == 2:
        return _SERVICE if names[0] == "services" else _RESOURCE
    if names[-2:] == ("ipam", "config"):
        return _BELOW["ipam.config"]
    if names[-2] in ("depends_on", "ulimits"):
        return _BELOW[names[-2]]
    return () if names[-1] in _FREE and not in_list else _BELOW.get(names[-1], ())


def to_yaml(tree: dict[str, Any], *, escape: bool = True) -> str:
    """YAML, two spaces a level, `$` doubled so that the text can be loaded again."""
    return "".join(_lines(tree, 0, escape))


def to_json(tree: dict[str, Any], *, escape: bool = True) -> str:
    """JSON with the same data, in the form that docker compose gives it."""
    shown = json_form(tree)
    return json.dumps(_escaped(shown) if escape else shown, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


#: What JSON always shows; `...` only keeps a place in the order of keys.
_ALWAYS: Table[dict[str, Any]] = Table.of({
    "networks.*": {"ipam": {}},
    "services.*": {"command": None, "entrypoint": None},
    "services.*.deploy": {**dict.fromkeys(_DEPLOY, ...), "resources": {}, "placement": {}},
    "services.*.develop.watch.*": {"path": ..., "action": ..., "target": ..., "exec": {"command": None}},
    "services.*.develop.watch.*.exec": {"command": None},
})
_DEVICES = ("weight_device", "device_read_bps", "device_read_iops", "device_write_bps", "device_write_iops")


def json_form(value: Any, always: Table[dict[str, Any]] | None = _ALWAYS, name: str = "") -> Any:
    """A part of a printable tree as Go's encoding/json has it, with some values that are empty. `name` is the key of the value,
    `always` what holds below it."""
    if isinstance(value, list):
        below = always.at("*") if always is not None else None
        return [_ENTRIES[name](one) if name in _ENTRIES else json_form(one, below) for one in value]
    if not isinstance(value, dict):
        return value
    if always is not None and always.rule is not None:
        value = {key: entry for key, entry in {**always.rule, **value}.items() if entry is not ...}
    return {key: _limits(entry) if name == "ulimits" else json_form(entry, always.at(key) if always is not None else None, key)
            for key, entry in value.items()}


def _limits(value: Any) -> Any:
    return {key: limit for key, limit in value.items() if limit} if isinstance(value, dict) else value


#: Lists whose entries JSON writes otherwise.
_ENTRIES: dict[str, Callable[[dict[str, Any]], Any]] = {
    **dict.fromkeys(_DEVICES, lambda entry: {key.title(): value for key, value in entry.items()}),
}


def _escaped(value: Any) -> Any:
    if isinstance(value, dict):
        return {_escaped(key): _escaped(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_escaped(entry) for entry in value]
    if isinstance(value, Timestamp):
        return _instant(value)
    return value.replace("$", "$$") if isinstance(value, str) else value


def _lines(value: Any, depth: int, escape: bool) -> list[str]:
    indent = "  " * depth
    if isinstance(value, dict):
        return [line for key, entry in value.items() for line in _entry(f"{indent}{_scalar(key, escape)}:", entry, depth, escape)]
    lines = []
    for entry in value:
        if isinstance(entry, dict | list) and entry:
            first, *rest = _lines(entry, depth + 1, escape)
            lines += [f"{indent}- {first.lstrip(' ')}", *rest]
        else:
            lines += _entry(f"{indent}-", entry, depth, escape)
    return lines


def _entry(head: str, value: Any, depth: int, escape: bool) -> list[str]:
    if isinstance(value, dict | list) and value:
        return [f"{head}\n", *_lines(value, depth + 1, escape)]
    if isinstance(value, str) and _is_block(value):
        return [f"{head} {_block(value.replace('$', '$$') if escape else value, depth + 1)}"]
    return [f"{head} {_scalar(value, escape)}\n"]


def _is_block(value: str) -> bool:
    return "\n" in value and _UNSAFE.search(value.replace("\n", "").replace("\t", "")) is None


def _block(value: str, depth: int) -> str:
    indent = "  " * depth
    body = value.rstrip("\n")
    trailing = len(value) - len(body)
    chomp = "-" if trailing == 0 else "" if trailing == 1 and body else "+"
    hint = "2" if value[:1] in (" ", "\n") else ""
    lines = "".join(f"{indent}{line}\n" if line else "\n" for line in body.split("\n"))
    return f"|{hint}{chomp}\n{lines}{chr(10) * max(0, trailing - 1)}"


_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_SHORT_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_NOT_PLAIN = re.compile(r"[-?:](?:\s|\Z)|[,\[\]{}#&*!|>'\"%@`]|.*(?::(?:\s|\Z)|\s#)|\s|.*\s\Z", re.DOTALL)


def _scalar(value: Any, escape: bool) -> str:
    if value is None:
        return "null"
    if isinstance(value, Timestamp):
        return _instant(value)
    if not isinstance(value, str):
        return {"{}": "{}", "[]": "[]"}.get(str(value)) or text(value)
    shown = value.replace("$", "$$") if escape else value
    if not is_text(shown) or _UNSAFE.search(shown):
        return _quoted(shown)
    return "'" + shown.replace("'", "''") + "'" if _NOT_PLAIN.match(shown) or shown.startswith(("---", "...")) else shown


def _instant(value: Timestamp) -> str:
    """A date, which only extension fields may hold, as Go prints a time.Time."""
    date, _, clock = re.sub(r"[Tt\s]+", "T", value, count=1).partition("T")
    year, month, day = date.split("-")
    hours = re.fullmatch(r"(\d{1,2})(:\d\d:\d\d(?:\.\d*[1-9])?)[.0]*\s*(.*)", clock)
    return f"{year}-{month:0>2}-{day:0>2}T" + (f"{hours[1]:0>2}{hours[2]}{hours[3] or 'Z'}" if hours else "00:00:00Z")


def _quoted(value: str) -> str:
    escaped = re.sub(r'["\\]', r"\\\g<0>", value)
    return '"' + _UNSAFE.sub(lambda match: _SHORT_ESCAPES.get(match[0], f"\\u{ord(match[0]):04x}"), escaped) + '"'
