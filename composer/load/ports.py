"""Short syntax of `ports`: [[IP:]HOST[-HOST]:]CONTAINER[-CONTAINER][/PROTOCOL]."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

PROTOCOLS = ("tcp", "udp", "sctp")


def parse(text: str) -> list[dict[str, Any]]:
    """The long entries that a short one stands for: ranges of the same length are paired, a range of host ports over one
    container port stays one. Raises ValueError that says what is wrong."""
    ports, _, protocol = text.partition("/")
    protocol = protocol.lower() or "tcp"
    if protocol not in PROTOCOLS:
        raise ValueError(f"invalid proto: {protocol}")
    host_ip, published, target = _split(ports)
    first, last = _range(target, "containerPort")
    entry = {"mode": "ingress", **({"host_ip": address(host_ip)} if host_ip else {})}
    if not published:
        return [{**entry, "target": port, "protocol": protocol} for port in range(first, last + 1)]
    first_published, last_published = _range(published, "hostPort")
    if first == last:
        return [{**entry, "target": first, "published": _published(first_published, last_published), "protocol": protocol}]
    if last - first != last_published - first_published:
        raise ValueError(f"invalid ranges specified for container and host Ports: {target} and {published}")
    return [{**entry, "target": first + offset, "published": str(first_published + offset), "protocol": protocol}
            for offset in range(last - first + 1)]


def _split(text: str) -> tuple[str, str, str]:
    rest, _, target = text.rpartition(":")
    host_ip, _, published = rest.rpartition(":")
    if not target:
        raise ValueError(f"no port specified: {text}<empty>")
    return host_ip, published, target


def _range(text: str, what: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    ends = (first, last) if dash else (first, first)
    if not all(end.isascii() and end.isdigit() and int(end) <= 65535 for end in ends) or int(ends[0]) > int(ends[1]):
        raise ValueError(f"invalid {what}: {text}")
    return int(ends[0]), int(ends[1])


def _published(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


def address(text: str) -> str:
    """An address of the host, without the brackets that IPv6 may have; raises ValueError for what is none."""
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        ip_address(bare)
    except ValueError:
        raise ValueError(f"invalid IP address: {text}") from None
    if "%" in bare:
        raise ValueError(f"invalid IP address: {text} (a zone is not possible here)")
    return bare
