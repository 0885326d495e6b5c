"""The work that is measured: N services of one idle process on one network."""

from __future__ import annotations

import json

IMAGE = "docker.io/library/busybox:latest"
#: One process that sleeps in the kernel and ends at once when it is asked to, so that `down` measures the tool and not a grace period.
COMMAND = ("sh", "-c", "trap 'exit 0' TERM; [ -p /idle ] || mkfifo /idle; read -r _ <> /idle")
#: Seconds that any one command may take.
PATIENCE = 200.0


def compose_file(size: int) -> str:
    """Also fit for docker compose and podman-compose."""
    service = f"    image: {IMAGE}\n    command: {json.dumps(COMMAND)}\n"  # JSON is YAML
    return "services:\n" + "".join(f"  s{number}:\n{service}" for number in range(size))
