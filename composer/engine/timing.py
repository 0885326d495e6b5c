"""Where the time of a request goes, for `--profile-phases`."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Any

from composer.plan.critical import critical_path
from composer.plan.steps import Plan

Times = dict[str, tuple[float, float]]


@dataclass(slots=True)
class Timing:
    """`stages`: what was done, one after another, and when it ended; `steps`: when each step of a plan began and ended, by its id. Seconds
    since the epoch."""

    begun: float = field(default_factory=time.time)
    stages: list[tuple[str, float]] = field(default_factory=list)
    steps: Times = field(default_factory=dict)
    plan: Plan = field(default_factory=lambda: Plan(()))  # the last one

    def stage(self, name: str) -> None:
        """What was done until now."""
        self.stages.append((name, time.time()))

    def told(self) -> dict[str, Any]:
        """As JSON, with the critical path of the plan."""
        return {"begun": self.begun, "stages": self.stages, "path": [asdict(one) for one in critical_path(self.plan, self.steps)]}
