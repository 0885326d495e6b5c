"""Does a plan: every step as soon as what it waits for is done, as many at once as may be.

A step whose dependency failed never starts; other branches finish; the first error is raised at the end, with all of them
told as events. Decides nothing else.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from contextvars import ContextVar
from graphlib import TopologicalSorter

from composer.engine.timing import Times
from composer.errors import ComposerError, blame
from composer.events import Event
from composer.plan.actions import (
    Action,
    AwaitService,
    BuildImage,
    Provide,
    PullImage,
    PushImage,
    RunBefore,
    RunInside,
    StartContainer,
    StopContainer,
    Withdraw,
)
from composer.plan.steps import Plan, Step

log = logging.getLogger("composer")

#: How many steps may be under way at once in what a request asks for, 0 for all that are ready. Those that only wait do not count.
AT_ONCE: ContextVar[int] = ContextVar("at_once", default=0)

Emit = Callable[[Event], None]
Perform = Callable[[Action], Awaitable[str]]

#: What the user reads while a step runs, and after it.
WORDS = {
    "create": ("creating", "created"),
    "join": ("joining", "joined"),
    "leave": ("leaving", "left"),
    "start": ("starting", "started"),
    "stop": ("stopping", "stopped"),
    "pause": ("pausing", "paused"),
    "unpause": ("unpausing", "unpaused"),
    "remove": ("removing", "removed"),
    "pull": ("pulling", "pulled"),
    "push": ("pushing", "pushed"),
    "build": ("building", "built"),
    "await": ("waiting", "ready"),
    "sync": ("syncing", "synced"),
    "exec": ("executing", "executed"),
    "run": ("preparing", "succeeded"),
    "provide": ("providing", "provided"),
    "withdraw": ("withdrawing", "withdrawn"),
}


#: What is not waited for when a plan is given up.
GIVEN_UP = AwaitService | BuildImage | Provide | PullImage | PushImage | RunBefore | RunInside | StartContainer | StopContainer | Withdraw


async def execute(plan: Plan, perform: Perform, emit: Emit, times: Times | None = None) -> None:
    """`perform` does one action and returns a word that replaces "started", "ready" and so on, or "". `times` learns when each step began
    and ended.

    Cancelled: waits, builds and transfers are given up, other steps under way are finished, no other is begun."""
    if plan:
        log.info("plan:\n%s", plan)
    for warning in plan.warnings:
        emit(Event(time.time(), "project", "warning", warning))
    run = _Run(plan, perform, emit, {} if times is None else times)
    try:
        await run.all()
    except BaseException:  # cancelled, or a bug in a step: nothing may go on behind the caller's back
        await run.wind_up()
        raise
    if run.errors:
        raise _together(run.errors)


def _together(errors: list[ComposerError]) -> ComposerError:
    """The first, with a line for each of the others that says something else."""
    first, *more = errors
    others = dict.fromkeys(one.message.partition("\n")[0] for one in more if one.message != first.message)
    first.message += "".join(f"\n  also: {line}" for line in others)
    first.args = (first.message,)
    return first


class _Run:
    def __init__(self, plan: Plan, perform: Perform, emit: Emit, times: Times) -> None:
        self.steps = {step.id: step for step in plan.steps}
        self.perform, self.emit, self.times = perform, emit, times
        self.room = asyncio.Semaphore(AT_ONCE.get()) if AT_ONCE.get() > 0 else None
        self.failed: set[str] = set()
        self.begun: set[str] = set()
        self.errors: list[ComposerError] = []
        self.tasks: dict[asyncio.Task[None], Step] = {}

    async def all(self) -> None:
        sorter = TopologicalSorter({step.id: (step.after | step.behind) & self.steps.keys() for step in self.steps.values()})
        sorter.prepare()
        while sorter.is_active():
            for id_ in sorter.get_ready():
                step = self.steps[id_]
                self.tasks[asyncio.create_task(self.one(step), name=id_)] = step
            done, _ = await asyncio.wait(self.tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                sorter.done(self.tasks.pop(task).id)
                task.result()

    async def one(self, step: Step) -> None:
        if step.after & self.failed:
            self.failed.add(step.id)
            return
        async with self.place(step):
            self.begun.add(step.id)
            await self.follow(step)

    def place(self, step: Step) -> AbstractAsyncContextManager[object]:
        return nullcontext() if self.room is None or isinstance(step.action, AwaitService) else self.room

    async def follow(self, step: Step) -> None:
        doing, done = WORDS[step.action.verb]
        subject, started = _subject(step.action), time.time()
        self.emit(Event(started, subject, doing, step.cause))
        try:
            word = await self.perform(step.action)
        except ComposerError as error:
            self.failed.add(step.id)
            optional = isinstance(step.action, AwaitService | PullImage | PushImage) and not step.action.required
            if not optional:
                blame(error, _cause(step.action))
                self.errors.append(error)
            self.emit(Event(time.time(), subject, "warning" if optional else "error", error.message))
        else:
            ended = time.time()
            self.times[step.id] = started, ended
            self.emit(Event(ended, subject, word or done, seconds=ended - started))

    async def wind_up(self) -> None:
        """Only what waits is given up: a container that was asked to stop may end later, or be asked again; of a start its hooks."""
        for task, step in self.tasks.items():
            if isinstance(step.action, GIVEN_UP) or step.id not in self.begun:
                task.cancel()
        if self.tasks:
            await asyncio.wait(self.tasks)


def _subject(action: Action) -> str:
    match action:
        case AwaitService():
            return f"service/{action.service}"
        case RunInside():
            return f"container/{action.name}"
    return action.subject


def _cause(action: Action) -> str:
    """The path of the compose files' value that a step is about, "" for none."""
    match action:
        case PullImage() | PushImage() if action.service:
            return f"services.{action.service}.image"
        case BuildImage():
            return f"services.{action.service}.build"
    return ""
