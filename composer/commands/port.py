"""`composer port`: where a container's port is published."""

from __future__ import annotations

from composer.commands.find import running
from composer.commands.session import Session
from composer.errors import UsageError


def port(session: Session, service: str, private_port: int, *, protocol: str, index: int) -> str:
    """ADDRESS:PORT on the host; 0.0.0.0 for all addresses."""
    container = running(session, service, index)
    for one in container.publications:
        if (one.container_port, one.protocol) == (private_port, protocol):
            host = one.host_ip or "0.0.0.0"
            return f"[{host}]:{one.host_port}" if ":" in host else f"{host}:{one.host_port}"
    raise UsageError(f"no port {private_port}/{protocol} for container {container.name}")
