"""`blkio_config` -> `linux.resources.blockIO` of config.json. Pure (OCI runtime specification, config-linux.md, Block IO)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from composer.model.blkio import Blkio
from composer.runtime.machine import Facts

#: A path of the host -> major and minor number of the block device there.
Numbers = Mapping[str, tuple[int, int]]

_RATES = {"device_read_bps": "throttleReadBpsDevice", "device_write_bps": "throttleWriteBpsDevice",
          "device_read_iops": "throttleReadIOPSDevice", "device_write_iops": "throttleWriteIOPSDevice"}


def block_io(asked: Blkio, facts: Facts, numbers: Numbers) -> dict[str, Any]:
    """Weights only where the kernel has them: BFQ or iocost."""
    values: dict[str, Any] = {}
    if facts.block_weight:
        values["weight"] = asked.weight
        values["weightDevice"] = [{**_device(one.path, numbers), "weight": one.weight} for one in asked.weight_device]
    if facts.block_limits:
        for attribute, name in _RATES.items():
            values[name] = [{**_device(one.path, numbers), "rate": one.rate} for one in getattr(asked, attribute)]
    return {name: value for name, value in values.items() if value}


def missing(asked: Blkio, facts: Facts) -> Iterator[tuple[str, str]]:
    """What is asked for and does nothing here."""
    if (asked.weight or asked.weight_device) and not (facts.block_weight or facts.bfq_weight):
        yield "blkio_config.weight", "without effect, the kernel weighs no block traffic (it needs BFQ or iocost)"
    if any(getattr(asked, attribute) for attribute in _RATES) and not facts.block_limits:
        yield "blkio_config", "without effect, there is no cgroup controller for block devices"


def paths(asked: Blkio) -> Iterator[str]:
    """The devices that are named."""
    yield from (one.path for one in asked.weight_device)
    yield from (one.path for attribute in _RATES for one in getattr(asked, attribute))


def _device(path: str, numbers: Numbers) -> dict[str, int]:
    major, minor = numbers[path]
    return {"major": major, "minor": minor}
