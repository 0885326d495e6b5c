"""Which steps decided how long a plan took."""

from __future__ import annotations

from composer.plan.actions import CreateSandbox, RemoveContainer, StartContainer, StopContainer
from composer.plan.critical import critical_path
from composer.plan.steps import Draft


def test_the_path_goes_back_by_the_predecessor_that_ended_last() -> None:
    """Also by edges that only order; a step that was never done is on no path."""
    draft = Draft()
    sandbox = draft.add(CreateSandbox("shop"), "missing")
    slow = draft.add(StopContainer("db"), "changed", after=[sandbox])
    quick = draft.add(StopContainer("web"), "changed", after=[sandbox])
    last = draft.add(RemoveContainer("db", False), "changed", behind=[slow, quick])
    never = draft.add(StartContainer("db"), "created", after=[last])
    times = {sandbox: (0.0, 1.0), slow: (1.0, 5.0), quick: (1.0, 2.0), last: (5.0, 6.0)}
    path = critical_path(draft.plan(), times)
    found = [(one.step, one.cause, one.ended - one.began) for one in path]
    assert found == [(sandbox, "missing", 1.0), (slow, "changed", 4.0), (last, "changed", 1.0)]
    assert never not in {one.step for one in path}


def test_a_plan_without_steps_has_none() -> None:
    """Nothing to do."""
    assert critical_path(Draft().plan(), {}) == ()
