"""The configuration blob of an image."""

from __future__ import annotations

import pytest

from composer.host import ImageConfig
from composer.images.config import image_config, timestamp
from composer.model.health import Healthcheck


def test_everything_that_a_container_inherits_is_read() -> None:
    """Durations become seconds, ports get their protocol, a value may hold `=`."""
    config = image_config({"config": {
        "Entrypoint": ["/e"], "Cmd": ["a", "b"], "Env": ["A=1", "B=x=y"], "WorkingDir": "/w", "User": "u:g",
        "Volumes": {"/data": {}, "/a": {}}, "ExposedPorts": {"80": {}, "53/udp": {}}, "StopSignal": "SIGINT", "Labels": {"k": "v"},
        "Healthcheck": {"Test": ["CMD", "t"], "Interval": 3_000_000_000, "Timeout": 500_000_000,
                        "StartPeriod": 60_000_000_000, "Retries": 4},
    }})
    assert config == ImageConfig(
        entrypoint=("/e",), command=("a", "b"), environment={"A": "1", "B": "x=y"}, working_dir="/w", user="u:g", volumes=("/a", "/data"),
        exposed_ports=("53/udp", "80/tcp"), stop_signal="SIGINT", labels={"k": "v"},
        healthcheck=Healthcheck(test=("CMD", "t"), interval=3.0, timeout=0.5, start_period=60.0, retries=4))


@pytest.mark.parametrize("blob", [{}, {"config": None}, {"config": {"Entrypoint": None, "Cmd": None, "Env": None, "Volumes": None}}])
def test_absent_and_null_keys_are_the_same(blob: dict[str, object]) -> None:
    """An image from scratch has next to nothing in its configuration."""
    assert image_config(blob) == ImageConfig()


def test_durations_that_are_not_said_stay_open() -> None:
    """0 in the blob means "not said", so that the default applies; NONE switches the check off."""
    bare = image_config({"config": {"Healthcheck": {"Test": ["CMD", "t"], "Interval": 0, "Retries": 0}}}).healthcheck
    assert bare == Healthcheck(test=("CMD", "t"))
    none = image_config({"config": {"Healthcheck": {"Test": ["NONE"]}}}).healthcheck
    assert none is not None and none.disable


def test_go_timestamps_are_understood() -> None:
    """Nanoseconds, none, and what is no time."""
    assert timestamp("1970-01-01T00:01:00.5Z") == 60.5
    assert timestamp("1970-01-01T00:01:00.123456789Z") == pytest.approx(60.123456789)
    assert timestamp("1970-01-01T00:01:00Z") == 60
    assert timestamp("") == 0
