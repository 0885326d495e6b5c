"""How much is measured: sizes, rounds, and the time that they may take. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.times import Times


@dataclass(frozen=True, slots=True)
class Effort:
    """`budget`: seconds that one tool gets for one size; it is overdrawn only by the first `least` rounds. `longest`: a size whose round
    would take longer is left out. `rounds`: of everything that is not counted in services.
    `keeping`: seconds of looking after idle services."""

    sizes: tuple[int, ...] = (1, 10, 50, 100)
    config_sizes: tuple[int, ...] = (1, 10, 100, 500)
    rounds: int = 5
    most: int = 7
    budget: float = 20.0
    longest: float = 100.0
    queries: int = 1000
    keeping: float = 15.0

    def allows(self, times: Times, tool: str, size: int, *, least: int) -> bool:
        """Whether the tool has another round with so many services."""
        done, expected = times.rounds(tool, size), times.expected(tool, size)
        if done < min(least, self.most):
            return expected <= self.longest
        return done < self.most and times.spent(tool, size) + expected <= self.budget


FULL = Effort()
QUICK = Effort(sizes=(1, 3), config_sizes=(1, 10), rounds=1, most=1, budget=5.0, longest=20.0, queries=200, keeping=3.0)
