"""PURE: an image's configuration blob (Docker schema 2 or OCI image specification) -> ImageConfig."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from composer.host import ImageConfig
from composer.model.health import Healthcheck

_NANOSECONDS = 1_000_000_000


def image_config(blob: Mapping[str, Any]) -> ImageConfig:
    """The part that a container inherits; absent and null keys are the same."""
    config: Mapping[str, Any] = blob.get("config") or {}
    return ImageConfig(
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        environment=_environment(config.get("Env") or ()),
        working_dir=config.get("WorkingDir") or "",
        user=config.get("User") or "",
        volumes=tuple(sorted(config.get("Volumes") or ())),
        exposed_ports=tuple(sorted(port if "/" in port else f"{port}/tcp" for port in config.get("ExposedPorts") or ())),
        stop_signal=config.get("StopSignal") or "",
        healthcheck=_healthcheck(config.get("Healthcheck")),
        labels=dict(config.get("Labels") or {}),
    )


def _environment(entries: Any) -> dict[str, str]:
    pairs = (entry.partition("=") for entry in entries)
    return {name: value for name, _, value in pairs}


def _healthcheck(value: Mapping[str, Any] | None) -> Healthcheck | None:
    """Durations are nanoseconds in the blob; 0 means "not said"."""
    if not value or not value.get("Test"):
        return None
    return Healthcheck(
        test=tuple(value["Test"]),
        interval=_seconds(value, "Interval"),
        timeout=_seconds(value, "Timeout"),
        retries=value.get("Retries") or None,
        start_period=_seconds(value, "StartPeriod"),
        start_interval=_seconds(value, "StartInterval"),
        disable=value["Test"][0] == "NONE",
    )


def _seconds(value: Mapping[str, Any], key: str) -> float | None:
    return value[key] / _NANOSECONDS if value.get(key) else None


def timestamp(text: str) -> float:
    """RFC 3339 with nanoseconds, as Go writes it -> seconds since the epoch; 0 for what is no time."""
    whole, _, rest = text.rstrip("Z").partition(".")
    fraction = "".join(sign for sign in rest[:9] if sign.isdigit())
    try:
        return datetime.fromisoformat(f"{whole}+00:00").timestamp() + (float(f"0.{fraction}") if fraction else 0)
    except ValueError:
        return 0.0
