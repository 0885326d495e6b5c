"""Histories of (time, event), replayed: each test is one rule of Docker's health check."""

from __future__ import annotations

import pytest

from composer.model.health import Healthcheck
from composer.model.ready import Ready, Tcp
from composer.supervisor.health import Check, HealthState, begin, completed, lasts, record, resolve, resume, timed_out

CHECK = Check(test=("CMD", "true"), interval=30.0, timeout=10.0, retries=3)


def replay(check: Check, codes: list[int], *, start: float = 0.0, lasting: float = 0.0) -> list[tuple[float, str, int]]:
    """(time of the tick, status after it, failing streak after it) for regular probes that end with these codes."""
    state, seen = begin(check, start), []
    for code in codes:
        tick = state.next_tick
        state = record(state, check, completed(tick, code, ""), tick + lasting)
        seen.append((tick, state.status, state.failing_streak))
    return seen


def test_first_probe_comes_after_one_interval_and_a_success_makes_healthy() -> None:
    """A container is `starting` until its first probe, one interval after its start, succeeds."""
    assert begin(CHECK, 100.0) == HealthState("starting", started_at=100.0, next_tick=130.0)
    assert replay(CHECK, [0, 0], start=100.0) == [(130.0, "healthy", 0), (160.0, "healthy", 0)]


def test_retries_failures_in_a_row_make_unhealthy() -> None:
    """Only `retries` failures in a row make a container unhealthy, and one success makes it healthy again."""
    assert replay(CHECK, [1, 1, 0, 1, 1, 1, 1, 0]) == [
        (30, "starting", 1), (60, "starting", 2), (90, "healthy", 0), (120, "healthy", 1), (150, "healthy", 2),
        (180, "unhealthy", 3), (210, "unhealthy", 4), (240, "healthy", 0),
    ]


def test_interval_runs_from_the_end_of_a_probe() -> None:
    """The next probe begins one interval after the last one ended, so slow probes do not pile up."""
    assert [tick for tick, _, _ in replay(CHECK, [0, 0, 0], lasting=7.0)] == [30, 67, 104]


def test_start_interval_is_used_in_the_start_period() -> None:
    """Ticks are `start_interval` apart while the start period lasts, `interval` apart after it."""
    check = Check(CHECK.test, interval=30, start_period=12, start_interval=5)
    assert [tick for tick, _, _ in replay(check, [1, 1, 1, 1])] == [5, 10, 15, 45]


def test_failures_in_the_start_period_do_not_count() -> None:
    """A probe begun within the start period does not add to the streak; the first one after it does."""
    check = Check(CHECK.test, interval=30, retries=2, start_period=12, start_interval=5)
    assert [(status, streak) for _, status, streak in replay(check, [1, 1, 1, 1])] == [
        ("starting", 0), ("starting", 0), ("starting", 1), ("unhealthy", 2),
    ]


def test_a_probe_that_began_in_the_start_period_does_not_count_when_it_ends_after_it() -> None:
    """What matters is when the probe began."""
    check = Check(CHECK.test, retries=1, start_period=12, start_interval=5)
    state = record(begin(check, 0), check, completed(11.0, 1, ""), 25.0)
    assert (state.status, state.failing_streak, state.next_tick) == ("starting", 0, 55.0)


def test_success_in_the_start_period_ends_its_grace() -> None:
    """After a success within the start period failures count at once, and ticks are `interval` apart."""
    check = Check(CHECK.test, interval=30, retries=2, start_period=600, start_interval=5)
    assert replay(check, [1, 0, 1, 1]) == [(5, "starting", 0), (10, "healthy", 0), (40, "healthy", 1), (70, "unhealthy", 2)]


def test_each_start_begins_with_starting() -> None:
    """A restarted container that was unhealthy is `starting` again, with no streak and no old results."""
    state = begin(CHECK, 0)
    for time in (30, 60, 90):
        state = record(state, CHECK, completed(time, 1, "no"), time)
    assert state.status == "unhealthy"
    assert begin(CHECK, 200) == HealthState("starting", started_at=200, next_tick=230)


def test_a_new_supervisor_believes_the_status_that_it_finds() -> None:
    """`resume` keeps the status and asks again after one interval; within the start period after one start interval."""
    check = Check(CHECK.test, start_period=100, start_interval=5)
    assert resume(check, "healthy", 0, 50).next_tick == 80
    assert resume(check, "starting", 0, 50) == HealthState("starting", started_at=0, next_tick=55)


def test_timeout_is_a_failure_in_dockers_words() -> None:
    """A probe that was killed at its timeout counts as a failure and says so, with the output that it had."""
    result = timed_out(CHECK, 30, "waiting")
    assert (result.code, result.output) == (-1, "Health check exceeded timeout (10s): waiting")
    assert record(begin(CHECK, 0), CHECK, result, 40).failing_streak == 1
    assert timed_out(CHECK, 30, "").output == "Health check exceeded timeout (10s)"


@pytest.mark.parametrize(("seconds", "text"), [(0.5, "500ms"), (1.5, "1.5s"), (90, "1m30s"), (120, "2m0s"), (3600, "1h0m0s")])
def test_timeout_is_written_as_docker_writes_durations(seconds: float, text: str) -> None:
    """Durations in the message are in Go's notation."""
    assert timed_out(Check(CHECK.test, timeout=seconds), 0, "").output == f"Health check exceeded timeout ({text})"


@pytest.mark.parametrize("code", [1, 2, 127, 137, -1])
def test_any_exit_code_but_0_is_a_failure(code: int) -> None:
    """Not only 1: a test that is not found or was killed fails too."""
    assert record(begin(CHECK, 0), CHECK, completed(30, code, ""), 30).failing_streak == 1


def test_early_success_that_is_believed_makes_healthy_and_moves_no_tick() -> None:
    """An early success counts at once; the regular ticks stay where Docker has them."""
    state = record(begin(CHECK, 0), CHECK, completed(0.2, 0, "", early=True), 0.25, early_ok=True)
    assert (state.status, state.next_tick) == ("healthy", 30.0)


def test_early_success_that_is_not_believed_changes_nothing() -> None:
    """A success of a temporary server is noted and not counted."""
    state = record(begin(CHECK, 0), CHECK, completed(0.2, 0, "", early=True), 0.25, early_ok=False)
    assert (state.status, state.next_tick, len(state.results)) == ("starting", 30.0, 1)


def test_early_failures_never_count() -> None:
    """However many early probes fail, the streak stays 0."""
    state = begin(CHECK, 0)
    for number in range(10):
        state = record(state, CHECK, completed(number, 1, "", early=True), number, early_ok=True)
    assert (state.status, state.failing_streak, state.next_tick) == ("starting", 0, 30.0)


def test_the_last_five_results_are_kept_and_long_output_is_cut() -> None:
    """As much as Docker keeps: five results, 4096 characters of each."""
    state = begin(CHECK, 0)
    for number in range(7):
        state = record(state, CHECK, completed(number, 0, "x" * 5000), number)
    assert [result.started_at for result in state.results] == [2, 3, 4, 5, 6]
    assert state.results[0].output == "x" * 4096 + "..."


def test_service_values_override_the_images_one_by_one() -> None:
    """A service that only sets the interval keeps the image's test and the rest of its values."""
    image = Healthcheck(test=("CMD-SHELL", "pg_isready"), interval=10, retries=5, start_period=20)
    check = resolve(Healthcheck(interval=2, start_interval=1), image)
    assert check == Check(("CMD-SHELL", "pg_isready"), interval=2, timeout=30, retries=5, start_period=20, start_interval=1)


def test_defaults_are_dockers() -> None:
    """What nobody gives, and what is given as 0, has Docker's default."""
    check = resolve(Healthcheck(test=("CMD", "true"), interval=0), None)
    assert check is not None
    assert (check.interval, check.timeout, check.retries, check.start_period, check.start_interval) == (30, 30, 3, 0, 5)


@pytest.mark.parametrize(
    ("service", "image"),
    [
        (None, None),
        (Healthcheck(interval=5), None),
        (Healthcheck(disable=True), Healthcheck(test=("CMD", "true"))),
        (Healthcheck(test=("NONE",)), Healthcheck(test=("CMD", "true"))),
        (None, Healthcheck(test=("NONE",))),
        (Healthcheck(test=("CMD", "true"), disable=True), None),
    ],
)
def test_no_check(service: Healthcheck | None, image: Healthcheck | None) -> None:
    """No test, `disable` and NONE all mean that the container has no health."""
    assert resolve(service, image) is None


def test_ready_goes_before_every_test() -> None:
    """With `x-composer.ready` neither the service's nor the image's test is run, and their values are not taken over."""
    check = resolve(Healthcheck(test=("CMD", "a"), interval=1), Healthcheck(test=("CMD", "b")), Ready(tcp=Tcp(port=1), timeout=2))
    assert check == Check((), timeout=2, ready=Ready(tcp=Tcp(port=1), timeout=2))
    assert resolve(Healthcheck(disable=True), None, Ready(file="/x")) is not None


def test_a_line_of_the_log_is_final() -> None:
    """What was once written makes the service healthy until its next start; a file or port is asked again and again."""
    assert lasts(Check((), ready=Ready(log="up")), "healthy")
    assert not lasts(Check((), ready=Ready(log="up")), "unhealthy")
    assert not lasts(Check((), ready=Ready(file="/up")), "healthy")
    assert not lasts(CHECK, "healthy")


def test_service_test_replaces_an_image_without_one() -> None:
    """NONE in the image does not keep a service from having a test."""
    check = resolve(Healthcheck(test=("CMD", "true")), Healthcheck(test=("NONE",)))
    assert check is not None and check.command == ("true",)


def test_shell_form_runs_in_the_shell() -> None:
    """CMD-SHELL is handed to /bin/sh, CMD is run as it is."""
    assert Check(("CMD-SHELL", "a && b")).command == ("/bin/sh", "-c", "a && b")
    assert Check(("CMD", "a", "&&", "b")).command == ("a", "&&", "b")
