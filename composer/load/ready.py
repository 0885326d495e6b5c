"""`services.*.x-composer.ready`: probes that need nothing in the image. The short forms, and what is wrong with one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_address
from typing import Any

from composer.errors import LoadError
from composer.load.node import Node, Path, fail
from composer.load.quantities import NANOSECONDS, duration, integer

KINDS = ("http", "tcp", "unix", "log", "file")
_DURATIONS = ("interval", "timeout", "start_period", "start_interval")
_PORTS = {"http": 80, "https": 443}


def check_ready(service: Node, path: Path) -> Iterator[LoadError]:
    """What is wrong with a service's `ready`."""
    ready = service.find("x-composer", "ready")
    if ready is None or not ready.fields:
        return
    here = (*path, "x-composer", "ready")
    kinds = [kind for kind in KINDS if kind in ready.fields]
    if len(kinds) != 1:
        found = " and ".join(kinds) or "none"
        yield fail(ready, here, f"takes one of {', '.join(KINDS)}, {found} found" if kinds else f"needs one of {', '.join(KINDS)}")
        return
    kind, node = kinds[0], ready.fields[kinds[0]]
    if kind != "log" and "$" in str(node.plain()):
        return  # a variable is only left where interpolation is switched off
    try:
        _CHECKS[kind](node.plain())
    except ValueError as wrong:
        yield fail(node, (*here, kind), str(wrong))
    if kind == "log" and service.get("logging", "driver") == "none":
        yield fail(node, (*here, kind), "not possible with logging.driver: none", hint="there is no log to look at")


def bind_ready(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The model's values; short forms become long."""
    values = {key: value for key, value in tree.items() if value is not None}
    for kind, read in (("http", _http), ("tcp", _tcp)):
        if kind in values:
            values[kind] = read(values[kind])
    return {**values, **{key: duration(values[key]) / NANOSECONDS["s"] for key in _DURATIONS if key in values}}


def _http(value: Any) -> dict[str, Any]:
    """A URL, or a mapping with `port`."""
    values = _url(value) if isinstance(value, str) else {key: entry for key, entry in value.items() if entry is not None}
    if not str(values.get("path", "/")).startswith("/"):
        raise ValueError(f"path: {values['path']!r} does not begin with /")
    if "status" in values:
        first, _, last = str(values["status"]).partition("-")
        if not re.fullmatch(r"[1-5]\d\d", first) or not re.fullmatch(r"([1-5]\d\d)?", last):
            raise ValueError(f"status: {values['status']!r} is neither a status code nor a range like 200-299")
        values |= {"status": int(first), "status_last": int(last or first)}
    headers = values.get("headers") or {}
    values["headers"] = {key: str(entry) for key, entry in _pairs(headers)}
    if any("\n" in text or "\r" in text for pair in values["headers"].items() for text in pair):
        raise ValueError("headers: a header is one line")
    return _reachable(values)


def _url(text: str) -> dict[str, Any]:
    from urllib.parse import urlsplit  # only for those who have such a probe

    parts = urlsplit(text)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError(f"{text!r} is no URL like http://localhost:8080/health")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return {"scheme": parts.scheme, "host": parts.hostname, "port": parts.port or _PORTS[parts.scheme], "path": target}


def _tcp(value: Any) -> dict[str, Any]:
    """A port, or a mapping with `port`."""
    return _reachable({"port": value} if not isinstance(value, dict) else {key: entry for key, entry in value.items() if entry is not None})


def _reachable(values: dict[str, Any]) -> dict[str, Any]:
    port, host = integer(values["port"]), values.get("host", "")
    if not 0 < port < 1 << 16:
        raise ValueError(f"port: {port} is no port")
    if host not in ("", "localhost"):
        try:
            ip_address(host)
        except ValueError:
            raise ValueError(f"host: {host!r} is neither localhost nor an address: only this container is asked") from None
    return {**values, "port": port}


def _pairs(headers: Any) -> list[tuple[str, Any]]:
    if isinstance(headers, dict):
        return list(headers.items())
    return [(name, entry.strip()) for name, _, entry in (str(text).partition("=") for text in headers)]


def _path(value: Any) -> None:
    if not str(value).startswith("/"):
        raise ValueError(f"{value!r} is not an absolute path in the container")


def _pattern(value: Any) -> None:
    try:
        re.compile(value)
    except re.error as wrong:
        raise ValueError(f"not a regular expression: {wrong}") from wrong


_CHECKS: Mapping[str, Callable[[Any], object]] = {"http": _http, "tcp": _tcp, "unix": _path, "log": _pattern, "file": _path}
