"""Histories of changes, replayed with a clock of the test's."""

from __future__ import annotations

import pytest

from composer.supervisor.watch.batching import GONE, LONGEST, OPEN, QUIET, Pending


def test_one_change_is_a_batch_after_a_few_quiet_milliseconds() -> None:
    """Not before, and only once."""
    pending = Pending()
    assert pending.wake(0) is None
    pending.add("web", "a.py", 10.0)
    assert pending.take(10.0 + QUIET / 2) == {}
    assert pending.wake(10.0) == pytest.approx(QUIET)
    assert pending.take(10.001 + QUIET) == {"web": ["a.py"]}
    assert pending.take(11.0) == {}
    assert pending.wake(11.0) is None


def test_a_stream_is_one_batch() -> None:
    """Each change moves the end, and many make the quiet time longer; a path that changes again is there once."""
    pending = Pending()
    for number in range(60):
        pending.add("web", f"{number % 30}", 10 + number * 0.003)
        assert pending.take(10.002 + number * 0.003) == {}
    assert pending.take(10.3) == {"web": [str(number) for number in range(30)]}


def test_a_stream_without_end_is_cut() -> None:
    """After a second what is there goes on its way."""
    pending, taken = Pending(), []
    for number in range(300):
        now = 10 + number * 0.005
        pending.add("web", str(number), now)
        pending.add("db", str(number), now)
        taken.append(sum(map(len, pending.take(now).values())))
    assert [index for index, many in enumerate(taken) if many] == [int(LONGEST / 0.005)]


def test_a_path_that_is_gone_waits_for_what_takes_its_place() -> None:
    """Deleted and made anew is one change, told when it is there; else the end is told after a while."""
    pending = Pending()
    pending.add("web", "a.py", 10.0, wait=GONE)
    assert pending.take(10.02) == {}
    pending.add("web", "a.py", 10.03)
    assert pending.take(10.04) == {"web": ["a.py"]}
    pending.add("web", "b.py", 20.0, wait=GONE)
    assert pending.wake(20.0) == pytest.approx(GONE)
    assert pending.take(20.001 + GONE + QUIET) == {"web": ["b.py"]}


def test_a_file_that_stays_open_is_told_in_the_end() -> None:
    """Each write moves the time; a close makes it ready at once."""
    pending = Pending()
    pending.add("web", "a.log", 10.0, wait=OPEN)
    pending.add("web", "a.log", 10.2, wait=OPEN)
    assert pending.take(10.3) == {}
    assert pending.take(10.201 + OPEN + QUIET) == {"web": ["a.log"]}
    pending.add("web", "a.log", 11.0, wait=OPEN)
    pending.add("web", "a.log", 11.01)
    assert pending.take(11.02) == {"web": ["a.log"]}
