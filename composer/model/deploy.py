"""`services.*.deploy`: the parts that mean something on one machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from composer.model.base import Model


class Limits(Model):
    cpus: float | None = None
    memory: int | None = None  # bytes
    pids: int | None = None


class DeviceRequest(Model):
    """A device by what it can do: an entry of `gpus` or of `deploy.resources.reservations.devices`. `count` -1 is all."""

    capabilities: tuple[str, ...] = ()
    driver: str = ""  # the vendor (nvidia, amd); cdi: `device_ids` are full names
    count: int = -1
    device_ids: tuple[str, ...] = ()
    options: Mapping[str, str] = {}


class Reservations(Limits):
    devices: tuple[DeviceRequest, ...] = ()


class Resources(Model):
    limits: Limits = Limits()
    reservations: Reservations = Reservations()


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
