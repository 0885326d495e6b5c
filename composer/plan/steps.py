"""What to do: a DAG of actions, each with its cause. Printable and comparable; the text is what `up --dry-run` shows.

    1. create sandbox/shop: missing
    2. create network/shop_front: missing [after 1]
    3. create container/shop-db-1: missing [after 2]
    4. start container/shop-db-1: created [after 3]
    5. await service/db healthy: web depends on it [after 4]

The actions are in plan/actions.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from composer.plan.actions import Action


@dataclass(frozen=True, slots=True)
class Step:
    """`after`: ids of steps that must have succeeded. `behind`: steps that must have ended, well or not."""

    action: Action
    cause: str
    after: frozenset[str] = frozenset()
    behind: frozenset[str] = frozenset()

    @property
    def id(self) -> str:
        return step_id(self.action)


def step_id(action: Action) -> str:
    """A step's id is its text: "create container/shop-db-1"."""
    return f"{action.verb} {action.subject}"


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in an order that can be followed from top to bottom; edges to steps that are not in the plan mean nothing."""

    steps: tuple[Step, ...] = ()
    warnings: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.steps)

    def __str__(self) -> str:
        number = {step.id: index for index, step in enumerate(self.steps, 1)}
        return "\n".join(_line(step, number) for step in self.steps)

    def __add__(self, other: Plan) -> Plan:
        return Plan((*self.steps, *other.steps), (*self.warnings, *other.warnings))

    def actions(self) -> tuple[Action, ...]:
        return tuple(step.action for step in self.steps)


def _line(step: Step, number: dict[str, int]) -> str:
    edges = sorted(number[edge] for edge in step.after | step.behind if edge in number)
    after = f" [after {', '.join(map(str, edges))}]" if edges else ""
    return f"{number[step.id]}. {step.id}: {step.cause}{after}"


@dataclass(slots=True)
class Draft:
    """A plan being written: steps are added in an order that can be followed; a repeated one joins its edges to the first."""

    steps: dict[str, Step] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def add(self, action: Action, cause: str, *, after: Iterable[str] = (), behind: Iterable[str] = ()) -> str:
        """Add a step and return its id. Edges may name steps that are (or will be) absent: they are dropped by `plan`."""
        key = step_id(action)
        old = self.steps.get(key)
        old_after, old_behind = (old.after, old.behind) if old else (frozenset[str](), frozenset[str]())
        self.steps[key] = Step(
            old.action if old else action, old.cause if old else cause, old_after | frozenset(after), old_behind | frozenset(behind)
        )
        return key

    def warn(self, text: str) -> None:
        """Say something once."""
        if text not in self.warnings:
            self.warnings.append(text)

    def plan(self) -> Plan:
        known = self.steps.keys()
        return Plan(
            tuple(Step(step.action, step.cause, step.after & known, step.behind & known) for step in self.steps.values()),
            tuple(self.warnings),
        )
