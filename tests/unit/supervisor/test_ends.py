"""Which ends stop an attached `up`, and its exit code."""

from __future__ import annotations

import pytest

from composer.observed import Container
from composer.supervisor.ends import Rule, counts, exit_code


def ended(service: str, code: int | None, *, at: float = 1.0, asked: bool = False) -> Container:
    return Container(service, f"shop-{service}-1", service, 1, status="exited", exit_code=code, finished_at=at, stop_asked=asked)


@pytest.mark.parametrize(
    ("on", "code", "awaited", "stops"),
    [
        ("nothing", 1, False, False),
        ("exit", 0, False, True),
        ("exit", 0, True, False),
        ("exit", 1, True, True),
        ("failure", 0, False, False),
        ("failure", 1, False, True),
        ("target", 0, False, False),
        ("target", 1, False, True),
    ],
)
def test_what_stops_the_project(on: str, code: int, awaited: bool, stops: bool) -> None:
    """A failure always does but without a rule; a success only by `exit`, and not a job's that others wait for."""
    assert counts(Rule(on, "test"), ended("web", code), awaited=awaited) is stops  # type: ignore[arg-type]


def test_the_targets_end_counts_whatever_its_code() -> None:
    """Unless only failures were asked for; and who was stopped by the user has not ended by itself."""
    assert counts(Rule("target", "test"), ended("test", 0), awaited=False)
    assert not counts(Rule("failure", "test"), ended("test", 0), awaited=False)
    assert not counts(Rule("exit"), ended("web", 137, asked=True), awaited=False)


def test_the_exit_code_is_the_first_ends() -> None:
    """Without a target; 0 when all ended by themselves; 255 when nobody knows it."""
    assert exit_code(Rule("exit"), ended("web", 3), [ended("web", 3), ended("db", 137)]) == 3
    assert exit_code(Rule("failure"), None, [ended("web", 0)]) == 0
    assert exit_code(Rule("exit"), ended("web", None), []) == 255


def test_the_exit_code_is_the_targets() -> None:
    """That of its first container to end; one that was stopped has not succeeded, one that never ran neither."""
    rule = Rule("target", "test")
    assert exit_code(rule, ended("db", 7), [ended("test", 4, at=2), ended("test", 5, at=1), ended("db", 7)]) == 5
    assert exit_code(rule, None, [ended("test", 0)]) == 0
    assert exit_code(rule, ended("db", 7), [ended("test", 0, asked=True)]) == 7
    assert exit_code(rule, ended("job", 0), [ended("test", 0, asked=True)]) == 143
    assert exit_code(rule, ended("db", 7), [ended("test", 143, asked=True)]) == 143
    assert exit_code(rule, ended("db", 7), []) == 7
    assert exit_code(rule, None, []) == 1
