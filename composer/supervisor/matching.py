"""A regular expression of the user's on lines of a container's: together they may keep `re` busy for years (catastrophic backtracking)."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager

#: Seconds of processor time for one text.
LIMIT = 0.1


class TooSlow(Exception):
    """The expression is still at it."""


def search(pattern: re.Pattern[str], text: str, limit: float = LIMIT) -> bool:
    """Whether it matches somewhere; TooSlow after `limit` seconds of work. For the main thread: only there `re` hears signals, and it lets
    no other thread run."""
    with _limited(limit):
        return pattern.search(text) is not None


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    before = signal.signal(signal.SIGVTALRM, _stop)
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _stop(_number: int, _frame: object) -> None:
    raise TooSlow
