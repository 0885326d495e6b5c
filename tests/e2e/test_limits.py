"""Limits that are rarer, seen in the container's own cgroups; what this kernel does not have has to be said instead."""

from __future__ import annotations

import os
from pathlib import Path

from composer.runtime import facts
from composer.runtime.cgroups import detect
from tests.command_line import Composer
from tests.e2e.test_attributes_more import limit


def block_device() -> tuple[str, str]:
    """A block device of this machine, and its number as the kernel writes it."""
    path = next(str(node) for node in sorted(Path("/dev").iterdir()) if node.is_block_device())
    number = os.stat(path).st_rdev
    return path, f"{os.major(number)}:{os.minor(number)}"


def test_traffic_of_block_devices(composer: Composer) -> None:
    """Rates of a device and the weight stand in the container's group."""
    path, number = block_device()
    composer.write(f"""
    services:
      web:
        image: busybox
        command: [sleep, infinity]
        blkio_config:
          weight: 300
          device_read_bps: [{{path: {path}, rate: 1mb}}]
          device_write_iops: [{{path: {path}, rate: 30}}]
    """)
    said = composer("up", "-d").said
    here = facts.read(detect(Path("/proc/self/mountinfo").read_text()))
    if here.block_limits:
        rates = limit(composer, "shop-web-1", "blkio", "blkio.throttle.read_bps_device", "io.max")
        assert f"{number} 1048576" in rates.replace("rbps=", "")
        assert "30" in limit(composer, "shop-web-1", "blkio", "blkio.throttle.write_iops_device", "io.max")
    else:
        assert "blkio_config: without effect" in said
    if here.bfq_weight:
        assert limit(composer, "shop-web-1", "blkio", "blkio.bfq.weight", "io.bfq.weight") == "300"
    elif not here.block_weight:
        assert "blkio_config.weight: without effect" in said


def test_a_device_that_is_none(composer: Composer) -> None:
    """Refused by path and attribute before anything is made."""
    composer.write("services: {web: {image: busybox, blkio_config: {device_read_bps: [{path: /dev/null, rate: 1}]}}}")
    assert "services.web.blkio_config: /dev/null is no block device" in composer("up", "-d", code=1).err


def test_switches(composer: Composer) -> None:
    """No killing for memory, real-time processor time (again after a restart), writable cgroups."""
    composer.write("""
    services:
      web:
        image: busybox
        command: [sleep, infinity]
        mem_limit: 50m
        oom_kill_disable: true
        cpu_rt_runtime: 10000
        security_opt: [writable-cgroups=true]
    """)
    said = composer("up", "-d").said
    composer("restart", "-t", "0")
    here = facts.read(detect(Path("/proc/self/mountinfo").read_text()))
    if here.oom_switch:
        assert "oom_kill_disable 1" in limit(composer, "shop-web-1", "memory", "memory.oom_control", "")
    else:
        assert "oom_kill_disable: without effect" in said
    if here.realtime:
        assert limit(composer, "shop-web-1", "cpu", "cpu.rt_runtime_us", "") == "10000"
    else:
        assert "cpu_rt_runtime: without effect" in said
    composer.inside("web", "sh", "-c", "f=$(find /sys/fs/cgroup -name tasks -o -name cgroup.procs | head -1); mkdir $(dirname $f)/mine")
