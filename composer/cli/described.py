"""Networks and volumes as docker shows them: rows, facts that filters ask for, and what `inspect` says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from composer.commands.network import ListedNetwork
    from composer.commands.volume import StoredVolume
    from composer.observed import NetworkState


def _time(seconds: float) -> str:
    """RFC 3339."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def network_facts(one: ListedNetwork) -> dict[str, list[str]]:
    return {
        "name": [one.state.name],
        "id": [one.id],
        "driver": ["bridge"],
        "scope": ["local"],
        "type": ["custom"],
        "label": _label_facts(one.state.labels),
        "dangling": [str(not one.ends).lower()],
    }


def volume_facts(one: StoredVolume) -> dict[str, list[str]]:
    return {
        "name": [one.state.name], "driver": ["local"], "label": _label_facts(one.state.labels), "dangling": [str(not one.users).lower()],
    }


def _label_facts(labels: Mapping[str, str]) -> list[str]:
    return [*labels, *(f"{key}={value}" for key, value in labels.items())]


def network_row(one: ListedNetwork, *, shorten: bool) -> dict[str, str]:
    """One object of `docker network ls --format json`."""
    return {
        "CreatedAt": datetime.fromtimestamp(one.state.created_at, UTC).strftime("%Y-%m-%d %H:%M:%S.%f +0000 UTC"),
        "Driver": "bridge",
        "ID": one.id[:12] if shorten else one.id,
        "IPv4": "true",
        "IPv6": str(bool(one.state.subnet6)).lower(),
        "Internal": str(one.state.internal).lower(),
        "Labels": ",".join(f"{key}={value}" for key, value in one.state.labels.items()),
        "Name": one.state.name,
        "Scope": "local",
    }


def inspected_network(one: ListedNetwork) -> dict[str, Any]:
    """One object of `docker network inspect`."""
    state = one.state
    return {
        "Name": state.name,
        "Id": one.id,
        "Created": _time(state.created_at),
        "Scope": "local",
        "Driver": "bridge",
        "EnableIPv4": True,
        "EnableIPv6": bool(state.subnet6),
        "IPAM": {"Driver": "default", "Options": {}, "Config": _configs(state)},
        "Internal": state.internal,
        "Attachable": True,
        "Ingress": False,
        "ConfigFrom": {"Network": ""},
        "ConfigOnly": False,
        "Containers": {
            container.id: {
                "Name": container.name,
                "EndpointID": "",
                "MacAddress": end.mac,
                "IPv4Address": end.address,
                "IPv6Address": end.address6,
            }
            for container, end in one.ends
            if container.status in ("running", "paused")
        },
        "Options": dict(state.driver_opts),
        "Labels": dict(state.labels),
    }


def volume_row(one: StoredVolume) -> dict[str, str]:
    labels = ",".join(f"{key}={value}" for key, value in one.state.labels.items())
    unknown = dict.fromkeys(("Availability", "Group", "Links", "Size", "Status"), "N/A")
    return {**unknown, "Driver": "local", "Labels": labels, "Mountpoint": str(one.folder / "_data"),
            "Name": one.state.name, "Scope": "local"}


def inspected_volume(one: StoredVolume) -> dict[str, Any]:
    """One object of `docker volume inspect`."""
    return {
        "CreatedAt": _time(one.created_at),
        "Driver": "local",
        "Labels": dict(one.state.labels),
        "Mountpoint": str(one.folder / "_data"),
        "Name": one.state.name,
        "Options": dict(one.state.driver_opts) or None,
        "Scope": "local",
    }


def _configs(state: NetworkState) -> list[dict[str, str]]:
    families = ((state.subnet, state.ip_range, state.gateway), (state.subnet6, state.ip_range6, state.gateway6))
    return [
        {"Subnet": subnet, **({"IPRange": range_} if range_ else {}), "Gateway": gateway} for subnet, range_, gateway in families if subnet
    ]
