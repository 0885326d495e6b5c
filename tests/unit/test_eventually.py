"""The helper that the other tests wait with."""

from __future__ import annotations

import pytest

from tests.eventually import eventually


def test_the_first_truthy_value_is_returned() -> None:
    """Falsy values and exceptions mean "not yet"."""
    answers = iter([0, None, ValueError("no"), "yes", "later"])

    def check() -> object:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert eventually(check, step=0) == "yes"


def test_the_last_value_is_in_the_error() -> None:
    """What was seen last helps to find out why."""
    with pytest.raises(AssertionError, match=r"not so after 0 s: the last look returned \[\]"):
        eventually(list, timeout=0)


def test_the_last_exception_is_the_cause() -> None:
    """A check that raises until the end shows its exception."""

    def check() -> bool:
        raise ValueError("broken")

    with pytest.raises(AssertionError, match=r"raised ValueError\('broken'\)") as failed:
        eventually(check, timeout=0)
    assert isinstance(failed.value.__cause__, ValueError)
