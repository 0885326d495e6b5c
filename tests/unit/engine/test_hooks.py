"""Hooks in the middle of starts and stops, on fake drivers; the commands are real ones of the host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from composer.engine import hooks
from composer.errors import ContainerError
from composer.model.hook import Hook
from composer.model.project import Project
from composer.plan import teardown
from tests.builders import project, service
from tests.stage import Stage, perform, stage


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path, "web:1", "next:1") as built:
        built.fake.runtime.exec_argv = lambda _id, _runtime, command, **_: list(command)  # type: ignore[method-assign, misc, assignment]
        yield built


def shop(**moments: tuple[Hook, ...]) -> Project:
    return project(service("web", **moments), service("next", needs=["web"]))


def hook(*command: str) -> Hook:
    return Hook(command=command)


def told(made: Stage, action: str) -> list[str]:
    """The details of what was told since the last time."""
    events = [made.listening.get_nowait() for _ in range(made.listening.qsize())]
    return [event.detail for event in events if event.action == action]


def said(made: Stage) -> list[str]:
    return told(made, "line")


def test_post_start_belongs_to_the_start(made: Stage) -> None:
    """Each line is told, the record says that none is due any more."""

    async def play() -> None:
        await made.up(shop(post_start=(hook("sh", "-c", "echo one; echo two >&2"), hook("echo", "three"))))
        assert said(made) == ["one", "two", "three"]
        assert made.named("shop-web-1").hooks_due == 0
        assert made.named("shop-next-1").status == "running"

    perform(made, play())


def test_a_post_start_that_fails(made: Stage) -> None:
    """Those behind it do not run, dependents do not start, the container runs on."""

    async def play() -> None:
        with pytest.raises(ContainerError, match=r"post_start hook `sh -c .*` failed with exit code 3\n  \| why"):
            await made.up(shop(post_start=(hook("sh", "-c", "echo why; exit 3"), hook("echo", "never"))))
        assert said(made) == ["why"]
        assert (made.named("shop-web-1").status, made.named("shop-web-1").hooks_due) == ("running", 0)
        assert made.named("shop-next-1").status == "created"

    perform(made, play())


def test_a_new_supervisor_goes_on_where_the_old_one_was(made: Stage) -> None:
    """The last that are due, as the record has it."""

    async def play() -> None:
        await made.up(shop())
        container = made.scene.records.change(made.named("shop-web-1").id, hooks_due=2)
        await hooks.post_start(made.scene, container, (hook("echo", "one"), hook("echo", "two"), hook("echo", "three")))
        assert said(made) == ["two", "three"]
        assert made.named("shop-web-1").hooks_due == 0

    perform(made, play())


def test_a_pre_stop_that_fails(made: Stage) -> None:
    """`stop` leaves the container as it was, `down` goes on."""

    async def play() -> None:
        wanted = shop(pre_stop=(hook("sh", "-c", "echo no; exit 1"),))
        await made.up(wanted)
        with pytest.raises(ContainerError, match="pre_stop hook"):
            await made.execute(teardown.stop(made.observe(wanted), ["web"], None))
        assert (made.named("shop-web-1").status, made.named("shop-web-1").stop_asked) == ("running", False)
        await made.down(wanted)
        assert not made.scene.records.all()
        assert any("pre_stop" in warning for warning in told(made, "warning"))

    perform(made, play())
