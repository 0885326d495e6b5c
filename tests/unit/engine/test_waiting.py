"""When a service is what others wait for, and when it cannot become that any more."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from composer.engine.waiting import await_service, judge
from composer.errors import DependencyError
from composer.observed import Container
from composer.plan.actions import AwaitService
from tests.stage import Stage, perform, stage

NOW = 1000.0


def one(name: str = "db-1", **fields: Any) -> Container:
    return Container(**{"id": name, "name": name, "service": "db", "number": 1, "status": "running", **fields})


def verdict(condition: Any, *containers: Container, restarting: tuple[str, ...] = (), checked: bool = False) -> tuple[str, str]:
    names = {container.id for container in containers} if checked else set()
    found = judge(AwaitService("db", condition), containers, set(restarting), names, NOW)
    return found.state, found.word or found.reason


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        (one(health="starting"), ("waiting", "")),
        (one(health="healthy"), ("done", "healthy")),
        (one(health="unhealthy"), ("failed", "is unhealthy")),
        (one(status="created"), ("waiting", "")),
        (one(status="creating"), ("waiting", "")),
        (one(status="exited", exit_code=0), ("failed", "exited (0)")),
        (one(status="exited", exit_code=137, oom_killed=True), ("failed", "exited (137): out of memory")),
        (one(status="exited", exit_code=255, error="holder lost"), ("failed", "exited (255): holder lost")),
    ],
)
def test_healthy(container: Container, expected: tuple[str, str]) -> None:
    """A container that has ended cannot become healthy, however it ended."""
    assert verdict("healthy", container, checked=True) == expected


def test_healthy_without_a_health_check_never_comes_true() -> None:
    """Better an error than a wait without end."""
    assert verdict("healthy", one()) == ("failed", "has no health check")


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        (one(), ("waiting", "")),
        (one(status="created"), ("waiting", "")),
        (one(status="exited", exit_code=0), ("done", "exited")),
        (one(status="exited", exit_code=3), ("failed", "exited (3)")),
    ],
)
def test_completed(container: Container, expected: tuple[str, str]) -> None:
    """Exit code 0, and nothing else."""
    assert verdict("completed", container) == expected


@pytest.mark.parametrize(
    ("container", "checked", "expected"),
    [
        (one(), False, ("done", "running")),
        (one(health="starting"), True, ("waiting", "")),
        (one(health="healthy"), True, ("done", "healthy")),
        (one(status="exited", exit_code=0), False, ("done", "exited")),
        (one(status="exited", exit_code=1), False, ("failed", "exited (1)")),
    ],
)
def test_ready(container: Container, checked: bool, expected: tuple[str, str]) -> None:
    """`up --wait`: healthy where there is a check, else running; a job that ended well is ready too."""
    assert verdict("ready", container, checked=checked) == expected


@pytest.mark.parametrize("condition", ["healthy", "completed", "ready"])
def test_one_that_is_about_to_be_restarted_is_waited_for(condition: str) -> None:
    """Its restart policy may still make it right."""
    assert verdict(condition, one(status="exited", exit_code=1), restarting=("db-1",), checked=True) == ("waiting", "")


@pytest.mark.parametrize(
    ("container", "restarting", "expected"),
    [
        (one(restarts=1, started_at=NOW - 9), False, ("waiting", "")),
        (one(restarts=1, started_at=NOW - 10), False, ("done", "running")),
        (one(restarts=2, status="exited", exit_code=1), True, ("waiting", "")),
        (one(restarts=3, started_at=NOW - 1), False, ("failed", "keeps ending: its policy has restarted it 3 times")),
        (one(restarts=3, status="exited", exit_code=1), True, ("failed", "keeps ending: its policy has restarted it 3 times")),
        (one(restarts=7, started_at=NOW - 100), False, ("done", "running")),
        (one(restarts=2, status="exited", exit_code=1), False, ("failed", "exited (1)")),
    ],
)
def test_one_that_keeps_ending_is_not_ready(container: Container, restarting: bool, expected: tuple[str, str]) -> None:
    """Brought back by its policy, it is ready after a run of 10 s; at the third time without one it is given up."""
    assert verdict("ready", container, restarting=("db-1",) if restarting else ()) == expected


def test_every_replica_counts() -> None:
    """One failure is a failure, one that waits keeps all."""
    good, slow, bad = one("a", health="healthy"), one("b", health="starting"), one("c", health="unhealthy")
    assert verdict("healthy", good, slow, checked=True)[0] == "waiting"
    assert verdict("healthy", good, slow, bad, checked=True)[0] == "failed"
    assert verdict("healthy", good, one("d", health="healthy"), checked=True) == ("done", "healthy")


def test_a_service_without_containers_fails() -> None:
    """There is nobody to wait for."""
    assert verdict("ready") == ("failed", "has no container")


@pytest.fixture
def made(tmp_path: Path) -> Any:
    with stage(tmp_path) as built:
        yield built


def test_the_wait_ends_with_the_change_that_decides_it(made: Stage) -> None:
    """Woken by the record, not by a clock."""

    async def play() -> None:
        made.keeper.checks.add("db-1")
        made.scene.records.put(one(health="starting"))
        waiting = asyncio.create_task(await_service(made.scene, AwaitService("db", "healthy")))
        await asyncio.sleep(0)
        assert not waiting.done()
        made.scene.records.change("db-1", health="healthy")
        assert await asyncio.wait_for(waiting, 5) == "healthy"

    perform(made, play())


def test_the_error_says_who_failed_why_who_waited_and_what_was_seen_last(made: Stage) -> None:
    """One message holds all that is needed to look further."""

    async def play() -> None:
        made.scene.records.put(one(status="exited", exit_code=1))
        with pytest.raises(DependencyError) as caught:
            await await_service(made.scene, AwaitService("db", "completed", ("api", "web")))
        assert caught.value.message.splitlines() == [
            "dependency failed: container db-1 exited (1) (api, web wait for it to be completed)",
            "  last words of db-1",
        ]

    perform(made, play())


def test_the_error_of_a_service_without_containers_reads_well(made: Stage) -> None:
    """There is no container to name."""

    async def play() -> None:
        with pytest.raises(DependencyError, match=r"^service db has no container$"):
            await await_service(made.scene, AwaitService("db", "ready"))

    perform(made, play())
