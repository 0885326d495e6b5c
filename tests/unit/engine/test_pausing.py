"""Pausing, and what ends a paused container."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from composer.errors import ContainerError
from composer.plan import teardown
from tests.builders import project, service
from tests.stage import Stage, perform, stage

WEB = project(service("web"))


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path, "web:1") as built:
        yield built


async def pause(made: Stage) -> None:
    await made.execute(teardown.pause(made.observe(None), ()))


def test_pause_and_unpause(made: Stage) -> None:
    """The record says it, and the keeper hears of it: before the freeze, and after the thaw."""

    async def play() -> None:
        await made.up(WEB)
        await pause(made)
        assert made.named("shop-web-1").status == "paused"
        assert len(made.fake.runtime.frozen) == 1
        await made.execute(teardown.unpause(made.observe(None), ()))
        assert made.named("shop-web-1").status == "running"
        assert made.fake.runtime.frozen == set()
        assert made.keeper.told[-2:] == ["paused shop-web-1", "unpaused shop-web-1"]
        assert [event.action for event in made.events][-4:] == ["pausing", "paused", "unpausing", "unpaused"]

    perform(made, play())


def test_what_cannot_be_frozen_runs_on(made: Stage) -> None:
    """With its health check."""

    async def play() -> None:
        await made.up(WEB)
        made.fake.fail_on["pause shop-web-1"] = ContainerError("no freezer")
        with pytest.raises(ContainerError, match="no freezer"):
            await pause(made)
        assert made.named("shop-web-1").status == "running"
        assert made.keeper.told[-1] == "unpaused shop-web-1"

    perform(made, play())


def test_stop_thaws_and_asks(made: Stage) -> None:
    """It hears its stop signal; when it cannot be thawed, it is killed."""

    async def play() -> None:
        await made.up(WEB)
        await pause(made)
        await made.execute(teardown.stop(made.observe(None), (), None))
        assert made.fake.journal[-3:-1] == ["resume shop-web-1", "signal shop-web-1 SIGTERM"]
        assert made.named("shop-web-1").exit_code == 143
        await made.up(WEB)
        await pause(made)
        made.fake.fail_on["resume shop-web-1"] = ContainerError("no freezer")
        await made.execute(teardown.stop(made.observe(None), (), None))
        assert made.named("shop-web-1").exit_code == 137

    perform(made, play())


def test_a_signal_thaws_as_well(made: Stage) -> None:
    """One that asks for the end keeps the restart policy away, another does not."""

    async def play() -> None:
        await made.up(WEB)
        made.fake.runtime.deaf_to.add("shop-web-1")
        await pause(made)
        await made.containers.signal(made.named("shop-web-1"), "SIGHUP", ending=False)
        assert (made.named("shop-web-1").status, made.named("shop-web-1").stop_asked) == ("running", False)
        assert "signal shop-web-1 SIGHUP" in made.fake.journal
        await made.containers.signal(made.named("shop-web-1"), "SIGTERM", ending=True)
        assert made.named("shop-web-1").stop_asked

    perform(made, play())
