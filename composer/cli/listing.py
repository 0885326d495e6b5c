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
        "LocalVolumes": str(sum(kind == "volume" for kind, _ in _mounts(container))),
        "Mounts": ",".join(source for _, source in _mounts(container)),
        "Name": container.name,
        "Names": container.name,
        "Networks": ",".join(networks.get(end.network, end.network) for end in container.endpoints),
        "Ports": _ports(container),
        "Project": project,
        "Publishers": _all_publishers(container) if _live(container) else [],
        "RunningFor": f"{ago(container.created_at)} ago",
        "Service": container.service,
        "Size": "0B",  # docker compose does not ask for it
        "State": container.status,
        "Status": status(container),
    }


def status(container: Container) -> str:
    """`Up 5 minutes (healthy)`, `Exited (0) 3 seconds ago`, `Restarting (1) 3 seconds ago`, `Created`."""
    if container.status == "created":
        return "Created"
    if container.status in ("exited", "restarting"):
        word = container.status.capitalize()
        if container.exit_code is None:
            return word
        reason = ", out of memory" if container.oom_killed else f", {container.error}" if container.error else ""
        return f"{word} ({container.exit_code}{reason}) {ago(container.finished_at)} ago"
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
    published = [
        f"{_bracketed(str(publisher['URL']))}:{one.host_port}->{one.container_port}/{one.protocol}"
        for one in container.publications
        for publisher in _publishers(one)
    ]
    return ", ".join([*_grouped(_unpublished(container)), *published])


def _unpublished(container: Container) -> list[tuple[int, str]]:
    published = {f"{one.container_port}/{one.protocol}" for one in container.publications}
    split = [one.partition("/") for one in container.exposed if one not in published]
    return [(int(port), protocol) for port, _, protocol in split]


def _grouped(ports: list[tuple[int, str]]) -> list[str]:
    """Neighbours as a range: 3000-3005/tcp."""
    spans: list[tuple[int, int, str]] = []
    for port, protocol in ports:
        if spans and spans[-1][1:] == (port - 1, protocol):
            spans[-1] = (spans[-1][0], port, protocol)
        else:
            spans.append((port, port, protocol))
    return [f"{first}-{last}/{protocol}" if last > first else f"{first}/{protocol}" for first, last, protocol in spans]


def _mounts(container: Container) -> list[tuple[str, str]]:
    return [*container.mounts, *(("volume", name) for _, name in container.anonymous)]


def _all_publishers(container: Container) -> list[dict[str, object]]:
    """An exposed port that is not published has number 0 outside."""
    published = [publisher for one in container.publications for publisher in _publishers(one)]
    unpublished = _unpublished(container)
    return [*published, *({"URL": "", "TargetPort": port, "PublishedPort": 0, "Protocol": protocol} for port, protocol in unpublished)]


def _bracketed(address: str) -> str:
    """An IPv6 address as it stands before a port (RFC 3986)."""
    return f"[{address}]" if ":" in address else address


def _publishers(one: Publication) -> list[dict[str, object]]:
    addresses = [one.host_ip] if one.host_ip else ["0.0.0.0", "::"]
    return [
        {"URL": address, "TargetPort": one.container_port, "PublishedPort": one.host_port, "Protocol": one.protocol}
        for address in addresses
    ]
