"""`services.*.ports`, one entry a published port (ranges over several container ports are expanded by the loader)."""

from __future__ import annotations

from composer.model.base import Model
from composer.model.values import Protocol


class Port(Model):
    """`published` is text: "" for any free port, "8080", or "8000-8010" for any free one of a range."""

    target: int
    published: str = ""
    host_ip: str = ""  # "" for all addresses; IPv6 without brackets
    protocol: Protocol = "tcp"
    mode: str = "ingress"
    name: str | None = None
    app_protocol: str | None = None
