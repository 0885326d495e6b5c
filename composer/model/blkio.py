"""`services.*.blkio_config`: the share of block devices' traffic."""

from __future__ import annotations

from composer.model.base import Model


class DeviceRate(Model):
    """`path` is the node of a block device; `rate` bytes or operations a second."""

    path: str
    rate: int


class DeviceWeight(Model):
    path: str
    weight: int


class Blkio(Model):
    """Weights are from 10 to 1000; without one the kernel's default of 500 or 100 holds."""

    weight: int | None = None
    weight_device: tuple[DeviceWeight, ...] = ()
    device_read_bps: tuple[DeviceRate, ...] = ()
    device_write_bps: tuple[DeviceRate, ...] = ()
    device_read_iops: tuple[DeviceRate, ...] = ()
    device_write_iops: tuple[DeviceRate, ...] = ()
