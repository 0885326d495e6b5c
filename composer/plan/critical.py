"""Which steps of a plan that was done decided how long it took. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from composer.plan.steps import Plan


@dataclass(frozen=True, slots=True)
class Stretch:
    """One step of the path; times are seconds since the epoch."""

    step: str
    cause: str
    began: float
    ended: float


def critical_path(plan: Plan, times: Mapping[str, tuple[float, float]]) -> tuple[Stretch, ...]:
    """From the step that ended last back to one that waited for none, each time by the predecessor that ended last. `times`: when each
    step that was done began and ended, by its id."""
    steps = {step.id: step for step in plan.steps if step.id in times}
    path: list[Stretch] = []
    candidates = frozenset(steps)
    while candidates:
        last = steps[max(candidates, key=lambda id_: times[id_][1])]
        path.append(Stretch(last.id, last.cause, *times[last.id]))
        candidates = (last.after | last.behind) & steps.keys()
    return tuple(reversed(path))
