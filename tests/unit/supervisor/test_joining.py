"""Who shares namespaces follows their owner."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from composer.model.service import Service
from composer.observed import Container
from composer.supervisor.joining import await_owners, rejoin
from tests.builders import project, service
from tests.stage import Stage, perform, stage

WANTED = project(service("db", scale=2), service("beside", needs=["db"], network_mode="service:db"), service("other"))


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path, "db:1", "beside:1", "other:1") as built:
        yield built


def service_of(container: Container) -> Service:
    return WANTED.services[container.service]


def test_only_who_is_older_than_its_owner_is_restarted(made: Stage) -> None:
    """Not after `up`, not for a second replica; after the owner's new start, and only who shares."""

    async def play() -> None:
        await made.up(WANTED)

        async def follow(name: str) -> None:
            await rejoin(made.scene, made.containers, service_of, made.named(name))

        before = {name: made.named(name).process for name in ("shop-beside-1", "shop-other-1")}
        await follow("shop-db-1")
        assert made.named("shop-beside-1").process == before["shop-beside-1"]
        for name, moved in (("shop-db-2", False), ("shop-db-1", True)):
            made.fake.runtime.finish(name)
            await made.lives.end(made.named(name).id, 10)
            await made.containers.start(name)
            await follow(name)
            assert (made.named("shop-beside-1").process != before["shop-beside-1"]) is moved, name
        assert made.named("shop-other-1").process == before["shop-other-1"]
        assert made.named("shop-beside-1").status == "running"
        await made.down(WANTED)

    perform(made, play())


def test_a_restart_waits_for_an_owner_that_comes_back(made: Stage) -> None:
    """As long as its policy is about to start it; one that stays away holds nobody up."""

    async def play() -> None:
        await made.up(WANTED)
        made.fake.runtime.finish("shop-db-1")
        await made.lives.end(made.named("shop-db-1").id, 10)
        await asyncio.wait_for(await_owners(made.scene, WANTED.services["beside"]), 10)
        made.keeper.restarting.add("shop-db-1")
        waiting = asyncio.create_task(await_owners(made.scene, WANTED.services["beside"]))
        done, _ = await asyncio.wait([waiting], timeout=0.05)
        assert not done
        await made.containers.start("shop-db-1")
        await asyncio.wait_for(waiting, 10)
        made.keeper.restarting.clear()
        await made.down(WANTED)

    perform(made, play())
