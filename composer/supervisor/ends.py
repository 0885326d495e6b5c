"""Waiting for containers to end: `wait`, an attached `up`, and what stops the project then. The rules are pure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from composer.observed import Container
from composer.plan.labels import dependencies

if TYPE_CHECKING:
    from composer.engine.lives import Lives  # with asyncio: not for the commands, which need the rules only
    from composer.engine.scene import Scene

#: 128 + SIGTERM: of a container that we stopped and that was polite about it.
STOPPED = 143
UNKNOWN = 255


@dataclass(frozen=True, slots=True)
class Rule:
    """Which ends stop an attached `up`. `on`: none; a failure of any service; any end (but a job's that others wait for);
    `target`: the end of the target, or a failure of any service. `target` gives the exit code."""

    on: Literal["nothing", "failure", "exit", "target"] = "nothing"
    target: str = ""


def counts(rule: Rule, container: Container, *, awaited: bool) -> bool:
    """Whether the end of this container stops the project. `awaited`: others wait for it to complete successfully."""
    if rule.on == "nothing" or container.stop_asked:
        return False
    failed = container.exit_code != 0
    if rule.on == "exit":
        return failed or not awaited
    return failed or (rule.on == "target" and container.service == rule.target)


def exit_code(rule: Rule, first: Container | None, containers: Iterable[Container]) -> int:
    """Of an attached `up`. `first`: whose end stopped the project, None when all ended by themselves. A target that was stopped has not
    succeeded, whatever its code."""
    ended = [one for one in containers if one.service == rule.target and one.status == "exited"] if rule.target else []
    target = min(ended, key=lambda one: one.finished_at, default=None)
    culprit = code_of(first) if first else 0
    if rule.target and target is None:
        return culprit or 1  # it never ran
    if target is None:
        return culprit
    return (culprit or STOPPED) if target.stop_asked and target.exit_code == 0 else code_of(target)


def code_of(container: Container) -> int:
    return UNKNOWN if container.exit_code is None else container.exit_code


@dataclass(frozen=True, slots=True)
class Ends:
    """The verbs that wait. None of them holds the lock of plans."""

    scene: Scene
    lives: Lives

    def table(self) -> dict[str, Callable[[dict[str, Any]], Awaitable[Any]]]:
        return {"follow": self.follow, "wait": self.wait, "first_end": self.first_end}

    async def follow(self, args: dict[str, Any]) -> dict[str, Any]:
        """Until none of the containers of `services`, or none of `target` if that is given, runs or is about to run again. Without a
        target it goes on as long as files are watched."""
        target = args.get("target")
        watched = [target] if target else args["services"]
        while any(map(self._lively, self._of(watched))) or (self.scene.watched and not target):
            await self.scene.changes.wait()
        return {}

    async def wait(self, args: dict[str, Any]) -> dict[str, Any]:
        """Until all containers in `ids`, or with `first` one of them, have ended and stay so. Result: the record of the last to end
        (as JSON), None when all were removed meanwhile."""
        ids = args["ids"]
        while True:
            living = [one for one in self.scene.records.all() if one.id in ids and self._lively(one)]
            if not living or (args.get("first") and len(living) < len(ids)):
                break
            await self.scene.changes.wait()
        ended = [one for one in self.scene.records.all() if one.id in ids and one.status == "exited"]
        last = max(ended, key=lambda one: one.finished_at, default=None)
        return {"last": last.to_json() if last else None}

    async def first_end(self, args: dict[str, Any]) -> dict[str, Any]:
        """Until a container that counts by `rule` has ended after `since`. Result: its record, as JSON."""
        rule = Rule(**args["rule"])
        while True:
            everybody = self._of(())
            ended = [one for one in everybody if one.status == "exited" and one.finished_at >= args["since"] and not self._lively(one)]
            found = [one for one in ended if counts(rule, one, awaited=_awaited(one, everybody))]
            if found:
                return {"end": min(found, key=lambda one: one.finished_at).to_json()}
            await self.scene.changes.wait()

    def _of(self, services: Sequence[str]) -> list[Container]:
        return [one for one in self.scene.records.all() if not one.oneoff and (not services or one.service in services)]

    def _lively(self, container: Container) -> bool:
        return self.lives.follows(container.id) or self.scene.keeper.will_restart(container)


def _awaited(container: Container, everybody: Sequence[Container]) -> bool:
    return any(dependencies(other.labels).get(container.service) == "service_completed_successfully" for other in everybody)
