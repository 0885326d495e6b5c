"""Docker's own networks: `bridge`, `host` and `none`, by `network_mode` or as external networks of these names.

Names resolve on a `bridge` too, and it is the project's own: only by Docker's own bridge do containers of different projects meet.
"""

from __future__ import annotations

from typing import Any

from composer.errors import LoadError
from composer.load.node import Node, fail

BRIDGE = "bridge"
_MODES = {"host": "host", "none": "none", "null": "none"}


def resolve(values: dict[str, Any], root: Node) -> None:
    """In the model's values of a project: modes instead of `host` and `none`, an ordinary network instead of `bridge`."""
    networks = values["networks"]
    modes = {key: mode for key, network in networks.items() if (mode := _mode(network))}
    for name, service in values["services"].items():
        found = [key for key in service["networks"] if key in modes]
        if found and len(service["networks"]) > 1:
            raise _alone(root, name, found[0])
        if found:
            service.update(network_mode=modes[found[0]], networks={})
        elif service.get("network_mode") in (BRIDGE, "default"):
            service.update(network_mode=None, networks={_bridge(values): {}})
    values["networks"] = {key: _own(network, values["name"]) for key, network in networks.items() if key not in modes}


def _mode(network: dict[str, Any]) -> str:
    """"" for a network that containers are on."""
    named = network["name"] if network.get("external") else ""
    return _MODES.get(network.get("driver") or "", "") or _MODES.get(named, "")


def _own(network: dict[str, Any], project: str) -> dict[str, Any]:
    if network.get("external") and network["name"] == BRIDGE:
        return {"key": network["key"], "name": f"{project}_{network['key']}"}
    return network


def _bridge(values: dict[str, Any]) -> str:
    """The key of the network that stands for Docker's bridge, made when it is first asked for."""
    wanted = {key: {"key": key, "name": f"{values['name']}_{key}"} for key in (BRIDGE, "engine-bridge")}
    key = next(key for key, network in wanted.items() if values["networks"].get(key, network) == network)
    values["networks"][key] = wanted[key]
    return key


def _alone(root: Node, service: str, key: str) -> LoadError:
    path = ("services", service, "networks", key)
    node = root.find(*path) or root
    return fail(node, path, f"{key} is the engine's `host` or `none`: no other network goes with it")
