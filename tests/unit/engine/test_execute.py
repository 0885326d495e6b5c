"""Following a plan: order, what runs at once, and what a failure keeps from starting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from composer.engine.execute import AT_ONCE, execute
from composer.errors import ComposerError, ContainerError
from composer.events import Event
from composer.plan.actions import Action, AwaitService, PauseContainer, StartContainer
from composer.plan.steps import Plan, Step, step_id


def step(name: str, *, after: str = "", behind: str = "") -> Step:
    return Step(StartContainer(name), "cause", frozenset(map(ident, after.split())), frozenset(map(ident, behind.split())))


def ident(name: str) -> str:
    return step_id(StartContainer(name))


class Stagehand:
    """Does steps in its own time: those in `held` only once they are let go."""

    def __init__(self, *, fail: str = "", held: str = "") -> None:
        self.fail, self.held = set(fail.split()), {name: asyncio.Event() for name in held.split()}
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.events: list[Event] = []

    async def __call__(self, action: Action) -> str:
        name = action.service if isinstance(action, AwaitService) else action.subject.partition("/")[2]
        self.begun.append(name)
        if name in self.held:
            await self.held[name].wait()
        if name in self.fail:
            raise ContainerError(f"{name} broke")
        self.ended.append(name)
        return ""

    def follow(self, *steps: Step) -> asyncio.Task[None]:
        return asyncio.create_task(execute(Plan(steps), self, self.events.append))


async def until(check: Callable[[], bool]) -> None:
    """Let the loop turn until it is so."""
    for _ in range(1000):
        if check():
            return
        await asyncio.sleep(0)
    raise AssertionError("never so")


def test_steps_follow_what_they_wait_for() -> None:
    """Both kinds of edges order."""

    async def play() -> None:
        hand = Stagehand()
        await hand.follow(step("c", after="b"), step("b", behind="a"), step("a"))
        assert hand.ended == ["a", "b", "c"]

    asyncio.run(play())


def test_steps_that_do_not_wait_for_each_other_run_at_once() -> None:
    """All of them are begun before any has ended."""

    async def play() -> None:
        hand = Stagehand(held="a b c")
        running = hand.follow(step("a"), step("b"), step("c"), step("d", after="a b c"))
        await until(lambda: hand.begun == ["a", "b", "c"])
        assert hand.ended == []
        for one in hand.held.values():
            one.set()
        await running
        assert hand.ended[-1] == "d"

    asyncio.run(play())


def test_no_more_steps_at_once_than_are_allowed() -> None:
    """A wait does not count; what had no place when the plan was given up is never begun."""

    async def play() -> None:
        AT_ONCE.set(1)
        hand = Stagehand(held="a b web")
        task = hand.follow(Step(AwaitService("web", "healthy"), "cause"), step("a"), step("b"), step("c"))
        await until(lambda: hand.begun == ["web", "a"])
        hand.held["a"].set()
        await until(lambda: hand.begun == ["web", "a", "b"])
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert hand.begun == ["web", "a", "b"]

    asyncio.run(play())


def test_a_step_starts_as_soon_as_its_own_edges_allow() -> None:
    """It does not wait for others of the same rank."""

    async def play() -> None:
        hand = Stagehand(held="slow")
        running = hand.follow(step("slow"), step("quick"), step("next", after="quick"))
        await until(lambda: "next" in hand.ended)
        assert "slow" not in hand.ended
        hand.held["slow"].set()
        await running

    asyncio.run(play())


def test_a_failed_dependency_keeps_its_dependents_and_nobody_else() -> None:
    """Also those further up; other branches finish; the error is raised at the end."""

    async def play() -> None:
        hand = Stagehand(fail="a")
        with pytest.raises(ContainerError, match="a broke"):
            await hand.follow(step("a"), step("b", after="a"), step("c", after="b"), step("x"), step("y", after="x"))
        assert hand.begun == ["a", "x", "y"]
        assert hand.ended == ["x", "y"]

    asyncio.run(play())


def test_what_is_behind_a_failed_step_runs_all_the_same() -> None:
    """Teardown goes on after an error, and the error is raised."""

    async def play() -> None:
        hand = Stagehand(fail="a")
        with pytest.raises(ContainerError):
            await hand.follow(step("a"), step("b", behind="a"), step("c", after="a"), step("d", behind="c"))
        assert hand.ended == ["b", "d"]

    asyncio.run(play())


def test_every_failure_is_told_and_named_in_the_error() -> None:
    """Nothing is lost when two branches fail: the first is raised, with the others' first lines."""

    async def play() -> None:
        hand = Stagehand(fail="a b", held="b")
        running = hand.follow(step("a"), step("b"))
        await until(lambda: any(event.action == "error" for event in hand.events))
        hand.held["b"].set()
        with pytest.raises(ComposerError, match="a broke\n  also: b broke"):
            await running
        assert [(event.subject, event.detail) for event in hand.events if event.action == "error"] == [
            ("container/a", "a broke"),
            ("container/b", "b broke"),
        ]

    asyncio.run(play())


def test_a_wait_that_is_not_required_fails_as_a_warning() -> None:
    """`required: false`: what is behind it starts, and the plan has succeeded."""

    async def play() -> None:
        hand = Stagehand(fail="db")
        wait = Step(AwaitService("db", "healthy", ("web",), required=False), "cause")
        await hand.follow(wait, Step(StartContainer("web"), "cause", behind=frozenset([wait.id])))
        assert hand.ended == ["web"]
        assert [event.action for event in hand.events if event.subject == "service/db"] == ["waiting", "warning"]

    asyncio.run(play())


def test_edges_to_steps_that_are_not_in_the_plan_mean_nothing() -> None:
    """A plan may be a part of another."""

    async def play() -> None:
        hand = Stagehand()
        await hand.follow(step("a", after="gone", behind="lost"))
        assert hand.ended == ["a"]

    asyncio.run(play())


def test_cancelled_it_finishes_what_is_under_way_and_begins_nothing() -> None:
    """A half-made container would be worse than a late Ctrl-C."""

    async def play() -> None:
        hand = Stagehand(held="a")
        freeze = Step(PauseContainer("a"), "cause")
        running = hand.follow(freeze, Step(StartContainer("b"), "cause", frozenset([freeze.id])))
        await until(lambda: hand.begun == ["a"])
        running.cancel()
        await asyncio.sleep(0)
        assert not running.done()
        hand.held["a"].set()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert (hand.begun, hand.ended) == (["a"], ["a"])

    asyncio.run(play())


def test_cancelled_it_gives_up_waits() -> None:
    """Nobody waits for health after Ctrl-C."""

    async def play() -> None:
        hand = Stagehand(held="db")
        running = hand.follow(Step(AwaitService("db", "healthy"), "cause"))
        await until(lambda: hand.begun == ["db"])
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert hand.ended == []

    asyncio.run(play())


def test_a_bug_in_a_step_leaves_nothing_running() -> None:
    """The plan's lock is given back only when all steps have ended."""

    async def play() -> None:
        hand = Stagehand(held="a")

        async def perform(action: Action) -> str:
            if action == StartContainer("bug"):
                raise ZeroDivisionError
            return await hand(action)

        running = asyncio.create_task(execute(Plan((Step(PauseContainer("a"), "cause"), step("bug"))), perform, hand.events.append))
        await until(lambda: hand.begun == ["a"])
        await asyncio.sleep(0)
        hand.held["a"].set()
        with pytest.raises(ZeroDivisionError):
            await running
        assert hand.ended == ["a"]

    asyncio.run(play())


def test_events_tell_beginning_end_cause_and_time() -> None:
    """The only channel to the user; warnings of the plan come first."""

    async def play() -> None:
        hand = Stagehand()
        await execute(Plan((step("a"),), ("orphans",)), hand, hand.events.append)
        assert [(event.subject, event.action, event.detail) for event in hand.events] == [
            ("project", "warning", "orphans"),
            ("container/a", "starting", "cause"),
            ("container/a", "started", ""),
        ]
        assert hand.events[2].seconds is not None

    asyncio.run(play())
