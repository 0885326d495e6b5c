"""The work that is measured: N services of one idle process on one network."""

from __future__ import annotations

import json
from collections.abc import Callable

from benchmarks.times import ACTIONS, COMPOSER, Times
from tests.command_line import Composer

IMAGE = "docker.io/library/busybox:latest"
#: One process that sleeps in the kernel and ends at once when it is asked to, so that `down` measures the tool and not a grace period.
COMMAND = ("sh", "-c", "trap 'exit 0' TERM; [ -p /idle ] || mkfifo /idle; read -r _ <> /idle")
#: Seconds that any one command may take.
PATIENCE = 120.0


def compose_file(size: int) -> str:
    """Also fit for docker compose and podman-compose."""
    service = f"    image: {IMAGE}\n    command: {json.dumps(COMMAND)}\n"  # JSON is YAML
    return "services:\n" + "".join(f"  s{number}:\n{service}" for number in range(size))


def composer_round(composer: Composer, size: int, times: Times, while_up: Callable[[], None]) -> None:
    """One life of the project; `while_up` is called, untimed, before its end."""
    for action, arguments in ACTIONS.items():
        if action == "down":
            while_up()
        times.add(COMPOSER, action, size, composer(*arguments, timeout=PATIENCE).seconds)


def config_seconds(composer: Composer, size: int) -> float:
    """Wall time of `composer config` for that many services."""
    composer.write(compose_file(size))
    return composer("config", timeout=PATIENCE).seconds
