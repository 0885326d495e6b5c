"""Wall times of one run, by tool, action and size, and what is told of them: the median and the spread."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
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

    def spread(self, tool: str, action: str, size: int) -> tuple[float, float] | None:
        """The fastest and the slowest round."""
        samples = self.samples.get((tool, action, size))
        return (min(samples), max(samples)) if samples else None

    def ratio(self, action: str, size: int, *, of: str = COMPOSER, to: str = FLOOR) -> float | None:
        """How many times as long the one tool takes as the other."""
        above, below = self.median(of, action, size), self.median(to, action, size)
        return above / below if above is not None and below else None

    def rounds(self, tool: str, size: int) -> int:
        """How many the tool has done."""
        return max((len(samples) for samples in self._of(tool, size)), default=0)

    def spent(self, tool: str, size: int) -> float:
        """On all rounds."""
        return sum(map(sum, self._of(tool, size)))

    def expected(self, tool: str, size: int) -> float:
        """How long the next round may take, by those before, also with fewer services; 0 when nothing is known."""
        sizes = sorted({there for name, _, there in self.samples if name == tool and there <= size})
        if not sizes:
            return 0.0
        return self.spent(tool, sizes[-1]) / self.rounds(tool, sizes[-1]) * size / sizes[-1]

    def _of(self, tool: str, size: int) -> Iterator[list[float]]:
        return (samples for (name, _, there), samples in self.samples.items() if (name, there) == (tool, size) and samples)
