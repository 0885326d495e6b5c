"""Early deaths: which of the containers that were started have failed."""

from __future__ import annotations

from dataclasses import replace

from composer.observed import Container
from composer.supervisor.settling import failed

RUNNING = Container("1" * 64, "shop-web-1", "web", 1, status="running", restarts=2)
EXITED = replace(RUNNING, status="exited", exit_code=3)


def test_who_has_failed() -> None:
    """Exited with another code than 0, or brought back by its restart policy; not by a stop that was asked for."""
    assert failed(EXITED, 2)
    assert failed(RUNNING, 1)
    assert not failed(RUNNING, 2)
    assert not failed(replace(EXITED, exit_code=0), 2)
    assert not failed(replace(EXITED, stop_asked=True), 2)
