"""Restart policies, replayed: each history is a list of (exit code, seconds that it ran)."""

from __future__ import annotations

import pytest

from composer.errors import UsageError
from composer.model.deploy import RestartPolicy
from composer.supervisor.restart import Again, End, History, Policy, Stay, comes_back, decide, policy


def replay(rules: Policy, ends: list[tuple[int | None, float]], history: History | None = None) -> list[float | str]:
    """The delays, until the policy leaves the container: then its reason."""
    history, seen = history or History(), list[float | str]()
    for code, ran_for in ends:
        match decide(rules, history, End(code, ran_for)):
            case Again(delay, history):
                seen.append(delay)
            case Stay(reason):
                return [*seen, reason or "stay"]
    return seen


@pytest.mark.parametrize("code", [0, 1, 137, None])
def test_no_never_restarts(code: int | None) -> None:
    """Without a policy a container stays as it ended."""
    assert replay(policy("no"), [(code, 100)]) == ["stay"]


@pytest.mark.parametrize("name", ["always", "unless-stopped"])
def test_always_restarts_whatever_the_exit_code(name: str) -> None:
    """Success, failure and an end that nobody saw all restart."""
    assert replay(policy(name), [(0, 100), (1, 100), (None, 100)]) == [0.1, 0.1, 0.1]


def test_on_failure_restarts_failures_only() -> None:
    """Exit code 0 ends it; a lost exit code is a failure."""
    assert replay(policy("on-failure"), [(1, 100), (None, 100), (137, 100), (0, 100)]) == [0.1, 0.1, 0.1, "stay"]


def test_on_failure_n_gives_up_after_n_restarts() -> None:
    """on-failure:3 restarts three times, and good runs in between do not renew that."""
    assert replay(policy("on-failure:3"), [(1, 0), (1, 100), (1, 0), (1, 0)]) == [0.1, 0.1, 0.2, "gave up after 3 failed restarts"]


def test_on_failure_0_has_no_limit() -> None:
    """As with Docker, a count of 0 is none."""
    assert len(replay(policy("on-failure:0"), [(1, 0)] * 50)) == 50


def test_back_off_doubles_up_to_a_minute() -> None:
    """100 ms, 200, 400... and never more than 60 s."""
    delays = replay(policy("always"), [(1, 0)] * 12)
    assert delays[:10] == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2])
    assert delays[10:] == [60.0, 60.0]


def test_a_run_of_ten_seconds_renews_the_back_off() -> None:
    """A container that ran 10 s is restarted after 100 ms; one that ran 9.9 s after the next delay."""
    assert replay(policy("always"), [(1, 0), (1, 0), (1, 9.9), (1, 10), (1, 0)]) == [0.1, 0.2, 0.4, 0.1, 0.2]


@pytest.mark.parametrize("name", ["always", "unless-stopped", "on-failure"])
def test_nothing_is_started_against_a_users_stop(name: str) -> None:
    """Whatever the policy and the exit code, a container that the user stopped stays."""
    assert decide(policy(name), History(), End(137, 100, stop_asked=True)) == Stay()


@pytest.mark.parametrize(("rules", "delays"), [
    ("no", [0.1, 0.1, 0.1]),
    ("always", [0.1, 0.1, 0.1]),
    ("on-failure", [0.1, 0.1, 0.1]),
    ("on-failure:2", [0.1, 0.1, "gave up after 2 failed restarts"]),
])
def test_one_that_was_stopped_because_it_was_unhealthy_has_failed(rules: str, delays: list[float | str]) -> None:
    """With `restart_on_unhealthy` it comes back under every policy, whatever its exit code, as often as the policy lets a failure."""
    history, seen = History(), list[float | str]()
    for _ in range(3):
        match decide(policy(rules), history, End(0, 90, unhealthy=True)):
            case Again(delay, history):
                seen.append(delay)
            case Stay(reason):
                seen.append(reason)
    assert seen == delays
    assert decide(policy(rules), History(), End(0, 90, stop_asked=True, unhealthy=True)) == Stay(), "a user's stop is final"


def test_a_restart_is_counted() -> None:
    """The history that comes back has one restart more, for `ps` and for the limit."""
    again = decide(policy("on-failure:5"), History(2, failed=1, delay=0.2), End(1, 0))
    assert again == Again(0.4, History(3, failed=2, delay=0.4))


def test_a_new_supervisor_goes_on_counting() -> None:
    """From the number of restarts alone the limit is kept; the back-off begins anew."""
    assert replay(policy("on-failure:3"), [(1, 0), (1, 0)], History.of(2)) == [0.1, "gave up after 3 failed restarts"]


def test_deploy_policy_wins_over_restart() -> None:
    """`deploy.restart_policy` decides, even against `restart: always`."""
    assert replay(policy("always", RestartPolicy(condition="none")), [(1, 0)]) == ["stay"]
    assert replay(policy("no", RestartPolicy(condition="any")), [(0, 0)]) == [0.1]
    assert replay(policy("always", RestartPolicy(condition="on-failure")), [(0, 0)]) == ["stay"]


def test_deploy_delay_takes_the_place_of_the_back_off() -> None:
    """Each restart waits exactly the delay that was asked for."""
    assert replay(policy("no", RestartPolicy(delay=5)), [(1, 0)] * 3) == [5, 5, 5]


def test_deploy_max_attempts_counts_every_restart_without_a_window() -> None:
    """Two attempts are two restarts."""
    assert replay(policy("no", RestartPolicy(max_attempts=2)), [(1, 50)] * 5) == [0.1, 0.1, "gave up after 2 failed restarts"]


def test_deploy_window_lets_lasting_restarts_not_count() -> None:
    """A restart that lasted the window was no failed attempt; the first run is no attempt at all."""
    rules = policy("no", RestartPolicy(max_attempts=2, window=30, delay=1))
    assert replay(rules, [(1, 1), (1, 31), (1, 29), (1, 40), (1, 2)]) == [1, 1, 1, 1, "gave up after 2 failed restarts"]


@pytest.mark.parametrize("text", ["sometimes", "on-failure:x", "on-failure:-1", "always:3"])
def test_unknown_policies_are_refused(text: str) -> None:
    """A word that is no policy is an error, not "no"."""
    with pytest.raises(UsageError, match="is not a policy"):
        policy(text)


@pytest.mark.parametrize(("rules", "code", "stopped", "back"), [
    ("no", None, False, False),
    ("always", None, False, True),
    ("always", 0, True, True),
    ("unless-stopped", None, False, True),
    ("unless-stopped", 0, False, True),
    ("unless-stopped", 137, True, False),
    ("on-failure", None, False, True),
    ("on-failure:3", 1, False, True),
    ("on-failure", 0, False, False),
    ("on-failure", 137, True, False),
])
def test_after_a_reboot(rules: str, code: int | None, stopped: bool, back: bool) -> None:
    """As Docker's daemon at its start: `always` even against an earlier stop, the others not; one that ran has failed (code None)."""
    assert comes_back(policy(rules), code, stopped=stopped) is back
