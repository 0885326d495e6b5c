"""Pulls and pushes as steps of a plan: what is told, what comes instead of a pull that fails, and who may."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from composer import process
from composer.engine import perform as perform_module
from composer.engine.execute import execute
from composer.engine.perform import Performer
from composer.errors import ImageError
from composer.events import Event
from composer.host import NO_ACCESS, Access, Image, ImageConfig, Progress
from composer.model.build import Build
from composer.plan.actions import Action, BuildImage, PullImage, PushImage
from composer.plan.steps import Plan, Step
from tests.builders import project, service
from tests.stage import Stage, perform, stage

BUILD = BuildImage("app:1", "app", Build(context="/srv"))
ME = Access(auths="mine")


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path) as built:
        yield built


async def follow(made: Stage, *actions: Action, access: Access = NO_ACCESS) -> list[Event]:
    """Every event, from the plan and from the work itself."""
    heard: asyncio.Queue[Event] = asyncio.Queue()
    made.scene.listeners.append(heard)
    plan = Plan(tuple(Step(action, "asked for") for action in actions))
    try:
        await execute(plan, Performer(made.scene, made.containers, access), made.scene.tell)
    finally:
        await asyncio.sleep(0)
        made.scene.listeners.remove(heard)
    return [heard.get_nowait() for _ in range(heard.qsize())]


def test_bytes_are_told_while_they_come(made: Stage) -> None:
    """Under the word that the step began with."""

    async def play() -> None:
        made.fake.images.registry["app:1"] = ImageConfig()
        told = await follow(made, PullImage("app:1"))
        assert [(one.subject, one.action, one.detail) for one in told] == [
            ("image/app:1", "pulling", "asked for"), ("image/app:1", "pulling", "1MB/2MB"), ("image/app:1", "pulled", "")]
        told = await follow(made, PushImage("app:1"))
        assert [one.action for one in told] == ["pushing", "pushing", "pushed"]

    perform(made, play())


def test_an_image_that_cannot_be_pulled_is_built(made: Stage) -> None:
    """Where the plan says how; else it is an error."""

    async def play() -> None:
        told = await follow(made, PullImage("app:1", BUILD))
        assert told[-1].action == "built"
        assert made.fake.images.find("app:1")
        with pytest.raises(ImageError, match="other:1"):
            await follow(made, PullImage("other:1"))

    perform(made, play())


def test_a_transfer_that_need_not_be_is_a_warning(made: Stage) -> None:
    """For pulls and pushes alike."""

    async def play() -> None:
        told = await follow(made, PullImage("app:1", required=False), PushImage("app:2", required=False))
        assert sorted((one.subject, one.action) for one in told if not one.action.endswith("ing") or one.action == "warning") == [
            ("image/app:1", "warning"), ("image/app:2", "warning")]

    perform(made, play())


def test_the_callers_access_goes_along(made: Stage) -> None:
    """To the registry, and to a build, whose base image may be in one."""

    async def play() -> None:
        images = made.fake.images
        images.access, images.registry["app:1"] = ME, ImageConfig()
        with pytest.raises(ImageError):
            await follow(made, PullImage("app:1"))
        await follow(made, PullImage("app:1"), access=ME)
        await follow(made, PushImage("app:1"), access=ME)
        told = await follow(made, BUILD, access=ME)
        assert any(str(ME) in one.detail for one in told)

    perform(made, play())


def test_a_cancelled_transfer_ends_with_its_next_word(made: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever gave it up waits until nothing goes on behind his back."""
    begun, over = threading.Event(), threading.Event()

    def pull(_reference: str, progress: Progress, _access: Access = NO_ACCESS) -> Image:
        try:
            while True:
                progress("1MB/2MB")
                begun.set()
        finally:
            over.set()

    monkeypatch.setattr(made.fake.images, "pull", pull)

    async def play() -> None:
        work = asyncio.create_task(follow(made, PullImage("app:1")))
        await asyncio.to_thread(begun.wait, 10)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert over.is_set()

    perform(made, play())


def test_the_time_of_the_last_pull_is_looked_at_only_where_it_matters(made: Stage) -> None:
    """It costs a look at a file for each image."""

    async def play() -> None:
        for name in ("now:1", "later:1"):
            made.fake.images.add(name)
        made.fake.images.ages["later:1"] = 5.0
        refresh: dict[str, Any] = {"pull_policy": "refresh", "refresh_after": 60.0}
        seen = made.observe(project(service("now"), service("later", **refresh), service("gone", **refresh)))
        assert seen.ages == {"later:1": 5.0}

    perform(made, play())


@pytest.mark.parametrize(("trap", "heard"), [("echo cleared; exit 1", ["begun", "cleared"]), ("", ["begun"])])
def test_a_cancelled_build_ends_the_program_that_builds(
    made: Stage, monkeypatch: pytest.MonkeyPatch, trap: str, heard: list[str]
) -> None:
    """It is asked to end, so that it clears away what it has made, then made to; also when all threads are at work."""
    begun = threading.Event()
    said: list[str] = []

    def build(_build: Build, _reference: str, _progress: Progress, _access: Access = NO_ACCESS, **_options: Any) -> None:
        def on_line(line: str) -> None:
            said.append(line)
            begun.set()

        process.stream(["sh", "-c", f"trap '{trap}' TERM; echo begun; while :; do sleep 0.05; done"], on_line)

    monkeypatch.setattr(made.fake.images, "build", build)
    monkeypatch.setattr(perform_module, "GRACE", 10.0 if trap else 0.1)

    async def play() -> None:
        work = asyncio.create_task(follow(made, BUILD))
        assert await asyncio.to_thread(begun.wait, 10)
        with ThreadPoolExecutor(1) as busy:
            asyncio.get_running_loop().set_default_executor(busy)
            over = threading.Event()
            others = asyncio.ensure_future(asyncio.to_thread(over.wait, 30))
            work.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(asyncio.shield(work), 20)
            over.set()
            await others
        assert said == heard

    perform(made, play())
