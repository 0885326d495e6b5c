"""The order in which docker compose prints the keys of YAML, which is that of Go's YAML library: other characters before letters,
numbers by their size (`web2`, `web10`)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cmp_to_key
from itertools import takewhile

_DIGITS = re.compile("[0-9]*")


def ordered(keys: Iterable[str]) -> list[str]:
    """Keys as they are printed."""
    found = sorted(keys)
    return found if all(key.isalpha() for key in found) else sorted(found, key=natural)


def compare(one: str, other: str) -> int:
    """Below zero when `one` comes first."""
    for at, (mine, theirs) in enumerate(zip(one, other, strict=False)):
        if mine != theirs:
            behind_digit = at > 0 and one[at - 1].isdigit()
            if mine.isalpha() and theirs.isalpha():
                return ord(mine) - ord(theirs)
            if mine.isalpha() or theirs.isalpha():
                return 1 if mine.isalpha() != behind_digit else -1
            return _compare_numbers(one, other, at)
    return len(one) - len(other)


natural = cmp_to_key(compare)


def _compare_numbers(one: str, other: str, at: int) -> int:
    """From the first character on that differs. A zero counts only where the digits before it make a number."""
    before = takewhile(str.isdigit, reversed(one[:at]))
    lead = "1" if "0" in (one[at], other[at]) and any(digit != "0" for digit in before) else ""
    mine, theirs = (_DIGITS.match(text, at)[0] for text in (one, other))  # type: ignore[index]
    first, second = ((lead + run).lstrip("0") for run in (mine, theirs))
    if first != second:
        return 1 if (len(first), first) > (len(second), second) else -1
    return len(mine) - len(theirs) or ord(one[at]) - ord(other[at])
