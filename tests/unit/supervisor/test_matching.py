"""Expressions that would never come to an end."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from composer.observed import Container
from composer.store import Places
from composer.supervisor.matching import TooSlow, search
from composer.supervisor.sightings import LogSight


@pytest.mark.parametrize(("pattern", "text"), [
    ("(a+)+$", "a" * 50 + "!"), ("(a|a)*b", "a" * 60), (".*foo.*bar.*baz", "foobar" * 10_000), (r"\s+$", " " * 65_000 + "x"),
])
def test_an_expression_that_is_too_slow_is_given_up(pattern: str, text: str) -> None:
    """And the signal that ends it does nothing to anybody afterwards."""
    before = signal.getsignal(signal.SIGVTALRM)
    with pytest.raises(TooSlow):
        search(re.compile(pattern), text, 0.01)
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGVTALRM) == before


def test_others_find_what_is_there() -> None:
    """Anywhere in the text, or not."""
    assert search(re.compile("started in [0-9.]+ s"), "12:00 started in 1.5 s")
    assert not search(re.compile("^started"), "12:00 started")


def test_a_log_whose_expression_is_too_slow_is_never_ready(tmp_path: Path) -> None:
    """It is given up for good, so that not every line costs a tenth of a second."""
    place = Places(tmp_path, tmp_path).project("abc").container("c1")
    place.log.parent.mkdir(parents=True)
    place.log.write_text(f"2030-01-01T00:00:00.000000000+00:00 stdout F {'a' * 50}!\n2030-01-01T00:00:01.000000000+00:00 stdout F aaa\n")
    sight = LogSight(Container("c1", "shop-web-1", "web", 1), place, "(a+)+$")
    try:
        assert (sight.find(), sight.too_slow) == (None, True)
    finally:
        sight.close()
