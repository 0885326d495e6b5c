"""Containers as a table and as JSON, in docker compose's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from composer.cli.printer import ago
from composer.cli.table import table
from composer.observed import Container, Publication

HEADINGS = ("NAME", "IMAGE", "COMMAND", "SERVICE", "CREATED", "STATUS", "PORTS")


def as_table(containers: Sequence[Container], *, shorten: bool) -> str:
    return table(HEADINGS, [_row(one, shorten=shorten) for one in containers])


def as_row(container: Container, project: str, networks: Mapping[str, str], *, shorten: bool) -> dict[str, object]:
    """What a template of `ps --format` may name: the fields of `as_json`, and `{{.Label "KEY"}}`."""
    whole = {} if shorten else {"ID": container.id}
    return {**as_json(container, project, networks), **whole, "Label": lambda key: container.labels.get(key, "")}


def headings() -> dict[str, object]:
    """Of a template's columns, as docker has them."""
    special = {"ID": "CONTAINER ID", "CreatedAt": "CREATED AT", "RunningFor": "CREATED", "ExitCode": "EXIT CODE"}
    fields = as_json(Container("", "", "", 0), "", {})
    return {**{key: key.upper() for key in fields}, **special, "Label": lambda key: str(key).rpartition(".")[2]}


def as_json(container: Container, project: str, networks: Mapping[str, str]) -> dict[str, object]:
    """One object of `ps --format json`, with docker compose's keys; `networks`: key -> full name."""
    return {
        "Command": f'"{container.command}"',
        "CreatedAt": datetime.fromtimestamp(container.created_at, UTC).strftime("%Y-%m-%d %H:%M:%S +0000 UTC"),
        "ExitCode": container.exit_code or 0,
        "Health": container.health,
        "ID": container.id[:12],
        "Image": container.image,
        "Labels": ",".join(f"{key}={value}" for key, value in container.labels.items()),
        "Name": container.name,
        "Names": container.name,
        "Networks": ",".join(networks.get(end.network, end.network) for end in container.endpoints),
        "Ports": _ports(container),
        "Project": project,
        "Publishers": [publisher for one in container.publications for publisher in _publishers(one)] if _live(container) else [],
        "RunningFor": f"{ago(container.created_at)} ago",
        "Service": container.service,
        "State": container.status,
        "Status": status(container),
    }


def status(container: Container) -> str:
    """`Up 5 minutes (healthy)`, `Exited (0) 3 seconds ago`, `Created`."""
    if container.status == "created":
        return "Created"
    if container.status == "exited":
        if container.exit_code is None:
            return "Exited"
        reason = ", out of memory" if container.oom_killed else f", {container.error}" if container.error else ""
        return f"Exited ({container.exit_code}{reason}) {ago(container.finished_at)} ago"
    health = {"starting": "health: starting"}.get(container.health, container.health)
    killed = "a process was killed for memory" if container.oom_killed else ""
    notes = filter(None, (health, container.error, killed, "Paused" if container.status == "paused" else ""))
    return f"Up {ago(container.started_at)}{''.join(f' ({note})' for note in notes)}"


def _row(container: Container, *, shorten: bool) -> tuple[str, ...]:
    command = container.command if not shorten or len(container.command) <= 20 else f"{container.command[:19]}…"
    return (
        container.name,
        container.image,
        f'"{command}"',
        container.service,
        f"{ago(container.created_at)} ago",
        status(container),
        _ports(container),
    )


def _live(container: Container) -> bool:
    return container.status in ("running", "paused")


def _ports(container: Container) -> str:
    if not _live(container):
        return ""
    return ", ".join(
        f"{_bracketed(str(publisher['URL']))}:{one.host_port}->{one.container_port}/{one.protocol}"
        for one in container.publications
        for publisher in _publishers(one)
    )


def _bracketed(address: str) -> str:
    """An IPv6 address as it stands before a port (RFC 3986)."""
    return f"[{address}]" if ":" in address else address


def _publishers(one: Publication) -> list[dict[str, object]]:
    addresses = [one.host_ip] if one.host_ip else ["0.0.0.0", "::"]
    return [
        {"URL": address, "TargetPort": one.container_port, "PublishedPort": one.host_port, "Protocol": one.protocol}
        for address in addresses
    ]
