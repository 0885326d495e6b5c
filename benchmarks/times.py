"""Wall times of one run, by tool, action and size, and what is told of them: the median."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from statistics import median

#: In the order of the report. A round is one of each; the floor has no state to look at and does the first and the last.
ACTIONS = {"up": ("up", "-d"), "no-op up": ("up", "-d"), "ps": ("ps",), "down": ("down", "-t", "1")}
COMPOSER, FLOOR = "composer", "floor"

Key = tuple[str, str, int]


@dataclass(slots=True)
class Times:
    """Seconds. A tool, action and size without a sample has no median: None."""

    samples: defaultdict[Key, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, tool: str, action: str, size: int, seconds: float) -> None:
        self.samples[tool, action, size].append(seconds)

    def median(self, tool: str, action: str, size: int) -> float | None:
        samples = self.samples.get((tool, action, size))
        return median(samples) if samples else None

    def ratio(self, action: str, size: int) -> float | None:
        """How many times the floor composer takes."""
        ours, floor = self.median(COMPOSER, action, size), self.median(FLOOR, action, size)
        return ours / floor if ours is not None and floor else None
