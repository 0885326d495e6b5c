"""How many rounds a tool gets."""

from __future__ import annotations

from benchmarks.effort import Effort
from benchmarks.times import Times

EFFORT = Effort(most=4, budget=20.0, longest=100.0)


def times(*rounds: float, size: int = 10) -> Times:
    made = Times()
    for seconds in rounds:
        made.add("tool", "up", size, seconds / 2)
        made.add("tool", "down", size, seconds / 2)
    return made


def test_rounds_go_on_while_the_budget_lasts() -> None:
    """The next one has to fit, by those before."""
    assert EFFORT.allows(times(4.0, 4.0), "tool", 10, least=1)
    assert not EFFORT.allows(times(8.0, 8.0), "tool", 10, least=1)
    assert not EFFORT.allows(times(1.0, 1.0, 1.0, 1.0), "tool", 10, least=1)


def test_the_least_rounds_are_made_over_the_budget() -> None:
    """Three of one's own, also when one of them takes all of the budget."""
    assert EFFORT.allows(times(30.0, 30.0), "tool", 10, least=3)
    assert not EFFORT.allows(times(30.0, 30.0, 30.0), "tool", 10, least=3)


def test_a_size_that_would_take_too_long_is_left_out() -> None:
    """By the sizes before, in proportion; with nothing known there is a try."""
    slow = times(30.0)
    assert slow.expected("tool", 50) == 150.0
    assert not EFFORT.allows(slow, "tool", 50, least=1)
    assert EFFORT.allows(slow, "tool", 20, least=1)
    assert EFFORT.allows(Times(), "tool", 100, least=1)
