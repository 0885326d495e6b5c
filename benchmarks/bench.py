"""What every measurement is given."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field

from benchmarks.effort import Effort
from benchmarks.workplace import Workplace


@dataclass(frozen=True, slots=True)
class Bench:
    """`loads`: the machine's load average at each `say`."""

    place: Workplace
    effort: Effort
    loads: list[float] = field(default_factory=list)

    def say(self, text: str) -> None:
        self.loads.append(os.getloadavg()[0])
        print(f" {text}", file=sys.stderr, flush=True)
