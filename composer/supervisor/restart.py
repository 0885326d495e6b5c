"""Restart policies: whether a container that has ended is started again, and how long to wait before.

`restart` of the service has Docker's rules: a back-off of 100 ms that doubles up to a minute and begins anew after a run of
10 s. `deploy.restart_policy` wins where it is given (Compose Deploy Specification, `restart_policy`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from composer.errors import UsageError
from composer.model.deploy import RestartPolicy

Condition = Literal["no", "on-failure", "always", "unless-stopped"]

FIRST_DELAY, LONGEST_DELAY = 0.1, 60.0
#: A container that ran this long has started well: the back-off begins anew.
GOOD_RUN = 10.0


@dataclass(frozen=True, slots=True)
class Policy:
    """`max_attempts` None is no limit, `delay` 0 the back-off. A restart counts as failed when it did not last `window`;
    0 counts each."""

    condition: Condition = "no"
    max_attempts: int | None = None
    delay: float = 0.0
    window: float = 0.0


@dataclass(frozen=True, slots=True)
class History:
    """What came of the restarts since the user last started the container; kept by the caller between decisions."""

    restarts: int = 0
    failed: int = 0
    delay: float = 0.0

    @classmethod
    def of(cls, restarts: int) -> History:
        """Of a container of which only the number of restarts is known (a new supervisor): each that has ended counts as failed."""
        return cls(restarts, failed=max(0, restarts - 1))


@dataclass(frozen=True, slots=True)
class End:
    """How a run ended. `code` None (nobody can tell) is a failure; `ran_for` is in seconds. `unhealthy`: it was stopped because it was, and
    the service asks for a restart then (`x-composer.restart_on_unhealthy`)."""

    code: int | None
    ran_for: float
    stop_asked: bool = False
    unhealthy: bool = False


@dataclass(frozen=True, slots=True)
class Again:
    """Start it after `delay` seconds, and go on with `history`."""

    delay: float
    history: History


@dataclass(frozen=True, slots=True)
class Stay:
    """Leave it; `reason` is worth telling the user when it is not empty."""

    reason: str = ""


def policy(restart: str, deploy: RestartPolicy | None = None) -> Policy:
    """The rules from `services.*.restart` (no, always, on-failure[:N], unless-stopped) and `deploy.restart_policy`."""
    if deploy is not None:
        conditions: dict[str, Condition] = {"none": "no", "on-failure": "on-failure", "any": "always"}
        # 0 is no limit, as with Docker.
        return Policy(conditions[deploy.condition], deploy.max_attempts or None, deploy.delay or 0.0, deploy.window or 0.0)
    name, _, count = restart.partition(":")
    if name == "on-failure" and (count.isdecimal() or not count):
        return Policy("on-failure", int(count or 0) or None)
    if restart in ("always", "unless-stopped", "no"):
        return Policy(cast(Condition, restart))
    if not restart:
        return Policy("no")
    raise UsageError(f"restart: '{restart}' is not a policy", hint="use no, always, on-failure, on-failure:N or unless-stopped")


def decide(rules: Policy, history: History, end: End) -> Again | Stay:
    """What to do about a container that has just ended. Nothing is ever started against a user's stop."""
    if end.stop_asked or not (end.unhealthy or _wanted(rules, end)):
        return Stay()
    failed = history.failed + (1 if history.restarts and _too_short(rules, end.ran_for) else 0)
    if rules.max_attempts is not None and failed >= rules.max_attempts:
        return Stay(f"gave up after {rules.max_attempts} failed {'restart' if rules.max_attempts == 1 else 'restarts'}")
    delay = _back_off(history.delay, end.ran_for)
    return Again(rules.delay or delay, History(history.restarts + 1, failed, delay))


def _wanted(rules: Policy, end: End) -> bool:
    return rules.condition in ("always", "unless-stopped") or (rules.condition == "on-failure" and end.code != 0)


def comes_back(rules: Policy, code: int | None, *, stopped: bool) -> bool:
    """Whether a container is started after the machine went down, as Docker's daemon does at its start: `always` also one that the user
    had stopped. `code`: None for one that ran until then (moby, `restartmanager`, ShouldRestart)."""
    return rules.condition == "always" or (not stopped and _wanted(rules, End(code, 0)))


def _too_short(rules: Policy, ran_for: float) -> bool:
    return not rules.window or ran_for < rules.window


def _back_off(last: float, ran_for: float) -> float:
    return FIRST_DELAY if not last or ran_for >= GOOD_RUN else min(last * 2, LONGEST_DELAY)
