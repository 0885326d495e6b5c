"""Phase: what the file leaves unsaid is said: the default network, names, build defaults, implied dependencies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from composer.load import volumes
from composer.load.environment import passed_on
from composer.load.node import Node

_NAMED = ("networks", "volumes", "configs", "secrets")
#: `external` is text where variables are left in the files.
_TRUE = ("1", "t", "T", "true", "TRUE", "True")
_NAMESPACES = ("network_mode", "ipc", "pid", "uts", "cgroup")


def normalize(root: Node, name: str, environment: Mapping[str, str]) -> Node:
    """The tree with all that is implied; `name` is the project's."""
    services = {key: _service(service, environment) for key, service in _fields(root, "services").items()}
    root = root.with_fields(name=root.find("name") or name, services=root.fields["services"].with_value(services) if services else None)
    if any("default" in service.fields["networks"].fields for service in services.values() if "networks" in service.fields):
        networks = _fields(root, "networks")
        root = root.with_fields(networks=root.new({**networks, "default": networks.get("default") or root.new({})}))
    for kind in _NAMED:
        if resources := root.find(kind):
            named = {key: _named(entry, key, name) for key, entry in resources.fields.items()}
            root = root.with_fields(**{kind: resources.with_value(named)})
    return root


def with_contents(root: Node) -> Node:
    """Networks and volumes of which nothing is said are mappings all the same; what is built is built from some folder."""
    for kind in ("networks", "volumes"):
        if resources := root.find(kind):
            filled = {key: entry if entry.value is not None else entry.with_value({}) for key, entry in resources.fields.items()}
            root = root.with_fields(**{kind: resources.with_value(filled)})
    if services := root.find("services"):
        root = root.with_fields(services=services.with_value({name: _with_context(service) for name, service in services.fields.items()}))
    return root


def _with_context(service: Node) -> Node:
    build = service.find("build")
    return service.with_fields(build=build.with_fields(context=".")) if build is not None and build.get("context") is None else service


def _fields(root: Node, kind: str) -> dict[str, Node]:
    node = root.find(kind)
    return node.fields if node is not None else {}


def _named(entry: Node, key: str, project: str) -> Node:
    entry = entry if entry.fields else entry.with_value({})
    if entry.get("name") is not None:
        return entry  # also an empty one: a variable that is not set
    return entry.with_fields(name=key if str(entry.get("external")) in _TRUE else f"{project}_{key}")


def _service(service: Node, environment: Mapping[str, str]) -> Node:
    changes: dict[str, Any] = {}
    if service.get("network_mode") is None and not service.get("networks") and not service.find("provider"):
        changes["networks"] = {"default": None}
    if build := service.find("build"):
        changes["build"] = _build(build, environment)
    if mounts := service.find("volumes"):
        changes["volumes"] = mounts.with_value([volumes.cleaned(mount) for mount in mounts.entries])
    implied = {name: service.new({"condition": "service_started", **restart, "required": True})
               for name, restart in reversed(list(_implied(service)))}
    if implied:
        changes["depends_on"] = service.new({**implied, **_fields(service, "depends_on")})
    if (hooks := service.find("pre_start")) and service.get("image"):
        changes["pre_start"] = hooks.with_value([hook if hook.get("image") else hook.with_fields(image=service.get("image"))
                                                 for hook in hooks.entries])
    return service.with_fields(**changes) if changes else service


def _build(build: Node, environment: Mapping[str, str]) -> Node:
    defaults = {}
    if "dockerfile" not in build.fields and "dockerfile_inline" not in build.fields:
        defaults["dockerfile"] = "Dockerfile"
    empty = {key: None for key in ("dockerfile", "dockerfile_inline") if build.get(key) == ""}  # a variable that is not set
    build = build.with_fields(**defaults, **empty)
    if arguments := build.find("args"):
        build = build.with_fields(args=_with_value(passed_on(arguments, environment)))
    return build


def _with_value(arguments: Node) -> Node:
    if isinstance(arguments.value, list):
        return arguments.with_value([entry for entry in arguments.entries if "=" in str(entry.value)])
    return arguments.with_value({key: value for key, value in arguments.fields.items() if value.value is not None})


def _implied(service: Node) -> Iterator[tuple[str, dict[str, bool]]]:
    """Services that this one names elsewhere than in depends_on, and whether their restart is its own."""
    for link in service.get("links") or ():
        yield link.partition(":")[0], {"restart": True}
    for attribute in _NAMESPACES:
        kind, colon, name = str(service.get(attribute) or "").partition(":")
        if kind == "service" and colon:
            yield name, {"restart": True}
    for source in service.get("volumes_from") or ():
        if not source.startswith("container:"):
            yield source.partition(":")[0], {}
