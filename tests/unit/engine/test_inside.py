"""Files and commands for containers that are there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from composer.errors import ContainerError
from composer.host import Mirror
from composer.model.hook import Hook
from composer.plan import teardown
from composer.plan.actions import RunInside, SyncFiles
from composer.plan.steps import Plan, Step
from tests.builders import project, service
from tests.stage import Stage, perform, stage

WEB = project(service("web"))
MIRROR = Mirror("/src", "/app", ("a.py",))


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path, "web:1") as built:
        yield built


def test_files_come_to_a_container_whether_it_runs_or_not(made: Stage) -> None:
    """What could not be done is a warning; the step succeeds."""
    sync = Plan((Step(SyncFiles("shop-web-1", (MIRROR,), differing=True), "a.py changed"),))

    async def play() -> None:
        await made.up(WEB)
        await made.execute(sync)
        await made.execute(teardown.stop(made.observe(None), (), 0))
        made.fake.storage.unsynced = ("/app/x: left out",)
        await made.execute(sync)
        assert made.fake.storage.synced == [("web", MIRROR), ("web", MIRROR)]
        told = [line for line in made.fake.journal if line.startswith("sync")]
        assert told == ["sync web if it differs", "sync web at rest if it differs"]
        assert [(event.action, event.detail) for event in made.events][-2:] == [("syncing", "a.py changed"), ("synced", "")]

    perform(made, play())


def test_a_command_that_fails_says_its_last_words(made: Stage) -> None:
    """With the exit code. The fake's runtime is a program that the host has: it prints what it was given."""
    hook = Hook(command=("x",), user="me", environment={"A": "b"}, working_dir="/w", privileged=True)

    async def play() -> None:
        await made.up(project(service("web", runtime="echo")))
        await made.execute(Plan((Step(RunInside("shop-web-1", hook), "a.py changed"),)))
        made.scene.records.change(made.named("shop-web-1").id, runtime="false")
        with pytest.raises(ContainerError, match="shop-web-1: exec hook `x` failed with exit code 1"):
            await made.execute(Plan((Step(RunInside("shop-web-1", hook), "a.py changed"),)))
        assert [event.action for event in made.events][-4:] == ["executing", "executed", "executing", "error"]

    perform(made, play())
