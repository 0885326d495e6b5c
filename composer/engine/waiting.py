"""Waiting for a service: until every container is as wanted, or can no longer become it. Woken by changes; by a clock only where running
for a while is what is waited for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from composer.engine.scene import Scene
from composer.errors import DependencyError
from composer.events import Event
from composer.observed import Container
from composer.plan.actions import AwaitService

#: One that its policy has brought back this often, without running this long (seconds) once, is not becoming ready.
MOST_RESTARTS, GOOD_RUN = 3, 10.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """`word` is what the user reads when it is done; `until`: look again then, also without a change."""

    state: Literal["waiting", "done", "failed"]
    word: str = ""
    culprit: Container | None = None
    reason: str = ""
    until: float | None = None


async def await_service(scene: Scene, action: AwaitService) -> str:
    """Returns the word for the user; DependencyError says why it cannot come true, and who waited."""
    settled, told = action.condition != "ready", False
    while True:
        containers = [one for one in scene.records.all() if one.service == action.service and not one.oneoff]
        outcome = judge(
            action,
            containers,
            {one.id for one in containers if scene.keeper.will_restart(one)},
            {one.id for one in containers if scene.keeper.checked(one)},
            time.time(),
        )
        if outcome.state == "failed":
            raise _error(scene, action, outcome)
        if outcome.state == "done" and settled:
            return outcome.word
        if outcome.state == "done":
            settled = True
            await scene.keeper.settle(containers)
            continue
        if scene.hurried:
            scene.given_up = True
            raise DependencyError(f"service {action.service} is not waited for any more: files have changed since")
        if not told:
            told = True
            scene.tell(Event(time.time(), f"service/{action.service}", "awaiting", _why(scene, action, containers)))
        with suppress(TimeoutError):
            async with asyncio.timeout(None if outcome.until is None else outcome.until - time.time()):
                await scene.changes.wait()


def _why(scene: Scene, action: AwaitService, containers: Sequence[Container]) -> str:
    """What is waited for, how it is found out, and who needs it."""
    waiters = f"{', '.join(action.waiting)} {'need' if len(action.waiting) > 1 else 'needs'} it {action.condition}"
    test = "its end" if action.condition == "completed" else next(filter(None, map(scene.keeper.test, containers)), "its start")
    return f"{waiters if action.waiting else 'asked for'}: {test}"


def judge(action: AwaitService, containers: Sequence[Container], restarting: set[str], checked: set[str], now: float) -> Outcome:
    """Pure: what the records say. `restarting`: ended, and about to be started again; `checked`: has a health check."""
    if not containers:
        return Outcome("failed", reason="has no container")
    outcomes = [_one(action, one, one.id in restarting, one.id in checked, now) for one in containers]
    failed = next((one for one in outcomes if one.state == "failed"), None)
    waiting = next((one for one in outcomes if one.state == "waiting"), None)
    return failed or waiting or outcomes[-1]


def _one(action: AwaitService, container: Container, restarting: bool, checked: bool, now: float) -> Outcome:
    if action.condition == "completed":
        return _completed(container, restarting)
    if action.condition == "ready" and not checked and container.restarts and (restarting or container.status == "running"):
        return _brought_back(container, now)
    if action.condition == "healthy" and not checked:
        return Outcome("failed", culprit=container, reason="has no health check")
    if container.status == "exited" and not restarting:
        done = action.condition == "ready" and container.exit_code == 0
        return Outcome("done", "exited") if done else Outcome("failed", culprit=container, reason=_exit(container))
    if container.health == "unhealthy":
        return Outcome("failed", culprit=container, reason="is unhealthy")
    if container.status == "running" and (not checked or container.health == "healthy"):
        return Outcome("done", "healthy" if checked else "running")
    return Outcome("waiting")


def _brought_back(container: Container, now: float) -> Outcome:
    """One that its restart policy has started: it may be about to end again."""
    if container.status == "running" and now >= container.started_at + GOOD_RUN:
        return Outcome("done", "running")
    if container.restarts >= MOST_RESTARTS:
        return Outcome("failed", culprit=container, reason=f"keeps ending: its policy has restarted it {container.restarts} times")
    return Outcome("waiting", until=container.started_at + GOOD_RUN if container.status == "running" else None)


def _completed(container: Container, restarting: bool) -> Outcome:
    if container.status != "exited" or restarting:
        return Outcome("waiting")
    if container.exit_code == 0:
        return Outcome("done", "exited")
    return Outcome("failed", culprit=container, reason=_exit(container))


def _exit(container: Container) -> str:
    reason = ": out of memory" if container.oom_killed else f": {container.error}" if container.error else ""
    return f"exited ({container.exit_code}){reason}"


def _error(scene: Scene, action: AwaitService, outcome: Outcome) -> DependencyError:
    what = f"container {outcome.culprit.name}" if outcome.culprit else f"service {action.service}"
    waiters = f"{', '.join(action.waiting)} {'wait' if len(action.waiting) > 1 else 'waits'} for it to be {action.condition}"
    lines = [f"dependency failed: {what} {outcome.reason} ({waiters})" if action.waiting else f"{what} {outcome.reason}"]
    lines += scene.keeper.report(outcome.culprit) if outcome.culprit else []
    return DependencyError("\n  ".join(lines))
