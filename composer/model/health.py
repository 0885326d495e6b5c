"""`services.*.healthcheck`. Durations are seconds; None takes the image's value, else Docker's default (specification, healthcheck)."""

from __future__ import annotations

from composer.model.base import Model


class Healthcheck(Model):
    """`test` begins with NONE, CMD or CMD-SHELL, or is empty: then the image's test is taken."""

    test: tuple[str, ...] = ()
    interval: float | None = None
    timeout: float | None = None
    retries: int | None = None
    start_period: float | None = None
    start_interval: float | None = None
    disable: bool = False
