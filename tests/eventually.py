"""Waiting in tests: look until it is so, or say what was seen last."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(check: Callable[[], T], timeout: float = 10.0, step: float = 0.02) -> T:
    """The first truthy value of `check()`, asked every `step` seconds; an exception of it counts as "not yet".

    After `timeout` seconds AssertionError with the last value or exception.
    """
    deadline = time.monotonic() + timeout
    while True:
        error: Exception | None = None
        value: T | None = None
        try:
            value = check()
        except Exception as raised:
            error = raised
        if error is None and value:
            return value
        if time.monotonic() >= deadline:
            seen = f"raised {error!r}" if error is not None else f"returned {value!r}"
            raise AssertionError(f"not so after {timeout:g} s: the last look {seen}") from error
        time.sleep(step)
