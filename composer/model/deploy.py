"""`services.*.deploy`: the parts that mean something on one machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from composer.model.base import Model


class Limits(Model):
    cpus: float | None = None
    memory: int | None = None  # bytes
    pids: int | None = None


class Resources(Model):
    limits: Limits = Limits()
    reservations: Limits = Limits()


class RestartPolicy(Model):
    condition: Literal["none", "on-failure", "any"] = "any"
    delay: float | None = None  # seconds
    max_attempts: int | None = None
    window: float | None = None  # seconds


class Deploy(Model):
    mode: Literal["replicated", "global", "replicated-job", "global-job"] = "replicated"  # all the same on one machine
    replicas: int | None = None
    labels: Mapping[str, str] = {}
    resources: Resources = Resources()
    restart_policy: RestartPolicy | None = None
