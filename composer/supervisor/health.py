"""Docker's health check as values: what a probe's result means, and when the next regular probe is due.

Nothing here runs a probe or reads a clock: the caller does what was decided. Times are seconds of one clock of the
caller's choice, durations seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from composer.model.health import Healthcheck
from composer.model.ready import Ready

Status = Literal["starting", "healthy", "unhealthy"]

#: Of each probe's output, and of the probes themselves, this much is kept (what Docker keeps).
OUTPUT_LIMIT = 4096
RESULTS_KEPT = 5
#: What a probe that cannot be run, or does not end in time, counts as.
NO_EXIT_CODE = -1


@dataclass(frozen=True, slots=True)
class Check:
    """A health check with every value resolved; the defaults are Docker's. `ready`: asked from outside instead of running `test`."""

    test: tuple[str, ...]
    interval: float = 30.0
    timeout: float = 30.0
    retries: int = 3
    start_period: float = 0.0
    start_interval: float = 5.0
    ready: Ready | None = None

    @property
    def command(self) -> tuple[str, ...]:
        """What runs in the container: a CMD-SHELL test by the image's shell."""
        kind, *words = self.test
        return ("/bin/sh", "-c", *words) if kind == "CMD-SHELL" else tuple(words)


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """One run of the test. Code 0 is healthy, anything else a failure; use `completed` or `timed_out` to make one."""

    started_at: float
    code: int
    output: str = ""
    early: bool = False


@dataclass(frozen=True, slots=True)
class HealthState:
    """A container's health since its last start; `next_tick` is when the next regular probe is due."""

    status: Status
    started_at: float
    next_tick: float
    failing_streak: int = 0
    results: tuple[ProbeResult, ...] = ()


_DEFAULT = Check(test=())


def resolve(service: Healthcheck | None, image: Healthcheck | None, ready: Ready | None = None) -> Check | None:
    """The check that a container gets, None for none: `ready`, else the service's values, which override the image's one by one.

    0 means "not given", as in Docker's API (moby, `daemon/commit.go`, merge).
    """
    if ready is not None:
        return _check((), ready, Healthcheck(), ready)
    ours, theirs = service or Healthcheck(), image or Healthcheck()
    test = ours.test or (() if theirs.disable else theirs.test)
    if ours.disable or len(test) < 2 or test[0] not in ("CMD", "CMD-SHELL"):
        return None
    return _check(test, ours, theirs)


def lasts(check: Check, status: Status) -> bool:
    """Whether the answer is final until the next start: a line that was written stays written, wherever its log has gone."""
    return status == "healthy" and check.ready is not None and check.ready.log is not None


def _check(test: tuple[str, ...], ours: Healthcheck | Ready, theirs: Healthcheck, ready: Ready | None = None) -> Check:
    return Check(
        test=test,
        ready=ready,
        interval=ours.interval or theirs.interval or _DEFAULT.interval,
        timeout=ours.timeout or theirs.timeout or _DEFAULT.timeout,
        retries=ours.retries or theirs.retries or _DEFAULT.retries,
        start_period=ours.start_period or theirs.start_period or _DEFAULT.start_period,
        start_interval=ours.start_interval or theirs.start_interval or _DEFAULT.start_interval,
    )


def begin(check: Check, now: float) -> HealthState:
    """The state of a container that starts now: `starting`, whatever it was before."""
    state = HealthState("starting", started_at=now, next_tick=now)
    return replace(state, next_tick=_after(state, check, now))


def resume(check: Check, status: Status, started_at: float, now: float) -> HealthState:
    """The state of a container that somebody else looked after until now: its status holds, its streak begins again."""
    state = HealthState(status, started_at=started_at, next_tick=now)
    return replace(state, next_tick=_after(state, check, now))


def record(state: HealthState, check: Check, result: ProbeResult, now: float, *, early_ok: bool = False) -> HealthState:
    """The state after a probe that ended now.

    An early probe can only make a container healthy, never count against it, and moves no regular tick; `early_ok` says that
    what it found is believed (see `early.believed`).
    """
    noted = replace(state, results=(*state.results, result)[-RESULTS_KEPT:])
    if result.early:
        return _succeeded(noted) if result.code == 0 and early_ok else noted
    judged = _succeeded(noted) if result.code == 0 else _failed(noted, check, result)
    return replace(judged, next_tick=_after(judged, check, now))


def completed(started_at: float, code: int, output: str, *, early: bool = False) -> ProbeResult:
    """A probe that ended by itself."""
    return ProbeResult(started_at, code, _shortened(output), early)


def timed_out(check: Check, started_at: float, output: str, *, early: bool = False) -> ProbeResult:
    """A probe that was killed at its timeout, with Docker's words for it."""
    said = f": {_shortened(output)}" if output else ""
    return ProbeResult(started_at, NO_EXIT_CODE, f"Health check exceeded timeout ({_duration(check.timeout)}){said}", early)


def _succeeded(state: HealthState) -> HealthState:
    return replace(state, status="healthy", failing_streak=0)


def _failed(state: HealthState, check: Check, result: ProbeResult) -> HealthState:
    """Failures of probes begun in the start period do not count, until a first success ended its grace."""
    if state.status == "starting" and result.started_at - state.started_at < check.start_period:
        return state
    streak = state.failing_streak + 1
    return replace(state, failing_streak=streak, status="unhealthy" if streak >= check.retries else state.status)


def _after(state: HealthState, check: Check, now: float) -> float:
    """Intervals run from the end of one probe to the start of the next (moby, `daemon/health.go`, monitor)."""
    in_start_period = now - state.started_at < check.start_period
    return now + (check.start_interval if in_start_period and state.status == "starting" else check.interval)


def _shortened(output: str) -> str:
    return output if len(output) <= OUTPUT_LIMIT else output[:OUTPUT_LIMIT] + "..."


def _duration(seconds: float) -> str:
    """As Go prints it: 500ms, 1.5s, 30s, 2m0s, 1h0m0s."""
    if seconds < 1:
        return f"{seconds * 1000:g}ms"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    if hours:
        return f"{hours}h{minutes}m{rest:g}s"
    return f"{minutes}m{rest:g}s" if minutes else f"{rest:g}s"
