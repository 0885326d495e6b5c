"""Resources and limits of processes, and what cannot be had."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from composer.errors import ContainerError
from composer.model.blkio import Blkio, DeviceRate, DeviceWeight
from composer.model.deploy import Deploy, Reservations, Resources
from composer.model.service import Service, Ulimit
from composer.runtime.capabilities import NAMES
from composer.runtime.limits import UNLIMITED, oom_score, resources, rlimits, shortfalls
from composer.runtime.machine import Facts

RICH = Facts(frozenset(NAMES))
POOR = Facts(frozenset(NAMES) - {"CAP_SYS_RESOURCE"}, {"nofile": 20_000}, lowest_oom_score=100, swap_limit=False, swappiness=False)


def service(**attributes: Any) -> Service:
    return Service(name="web", image="x", **attributes)


@pytest.mark.parametrize(("attributes", "memory"), [
    ({"mem_limit": 100}, {"limit": 100, "swap": 200}),
    ({"mem_limit": 100, "memswap_limit": 150}, {"limit": 100, "swap": 150}),
    ({"mem_limit": 100, "memswap_limit": -1}, {"limit": 100, "swap": -1}),
    ({"mem_reservation": 50}, {"reservation": 50}),
    ({"deploy": Deploy(resources=Resources(reservations=Reservations(memory=60)))}, {"reservation": 60}),
    ({"mem_swappiness": 0}, {"swappiness": 0}),
    ({"mem_swappiness": -1}, None),
])
def test_memory(attributes: dict[str, Any], memory: dict[str, int] | None) -> None:
    """memswap_limit is both together, -1 no limit; a swappiness of 0 is one, -1 is none."""
    assert resources(service(**attributes), RICH).get("memory") == memory


@pytest.mark.parametrize("attributes", [{"memswap_limit": 10}, {"mem_limit": 20, "memswap_limit": 10}])
def test_a_swap_limit_without_sense_is_refused(attributes: dict[str, int]) -> None:
    """It counts memory too."""
    with pytest.raises(ContainerError, match=r"services\.web\.memswap_limit"):
        resources(service(**attributes), RICH)


@pytest.mark.parametrize(("attributes", "cpu"), [
    ({"cpus": 0.5}, {"quota": 50_000, "period": 100_000}),
    ({"cpus": 0.5, "cpu_period": 20_000}, {"quota": 10_000, "period": 20_000}),
    ({"cpu_quota": 5000}, {"quota": 5000, "period": 100_000}),
    ({"cpu_shares": 99, "cpuset": "0-1"}, {"shares": 99, "cpus": "0-1"}),
    ({"deploy": Deploy(resources=Resources(reservations=Reservations(cpus=0.5)))}, {"shares": 512}),
])
def test_processors(attributes: dict[str, Any], cpu: dict[str, Any]) -> None:
    """A quota of a period, a weight, a set; reserved processors are a weight."""
    assert resources(service(**attributes), RICH)["cpu"] == cpu


def test_ulimits_replace_the_default() -> None:
    """-1 is no limit; what is above composer's own is lowered without CAP_SYS_RESOURCE, and that is said for what was asked for."""
    asked = service(ulimits={"nofile": Ulimit(soft=10, hard=30_000), "memlock": Ulimit(soft=-1, hard=-1)})
    assert rlimits(asked, RICH) == [
        {"type": "RLIMIT_NOFILE", "soft": 10, "hard": 30_000}, {"type": "RLIMIT_MEMLOCK", "soft": UNLIMITED, "hard": UNLIMITED}]
    assert rlimits(asked, POOR)[0] == {"type": "RLIMIT_NOFILE", "soft": 10, "hard": 20_000}
    assert shortfalls(asked, RICH) == ()
    assert shortfalls(asked, POOR) == ("ulimits.nofile: lowered to 20000, the hard limit of composer itself",)
    assert shortfalls(service(), POOR) == (), "the default is nobody's wish"


def test_what_this_machine_cannot_do_is_said() -> None:
    """A low OOM score, swap and swappiness where there is none."""
    asked = service(oom_score_adj=-500, mem_swappiness=10, mem_limit=10, memswap_limit=20)
    assert [line.partition(":")[0] for line in shortfalls(asked, POOR)] == ["oom_score_adj", "mem_swappiness", "memswap_limit"]
    assert resources(asked, POOR)["memory"] == {"limit": 10}
    assert (oom_score(asked, POOR), oom_score(asked, RICH), oom_score(service(oom_score_adj=300), POOR)) == (100, 0, 300)


BLOCK = Blkio(weight=300, weight_device=(DeviceWeight(path="/dev/a", weight=50),), device_read_bps=(DeviceRate(path="/dev/b", rate=9),),
              device_write_iops=(DeviceRate(path="/dev/a", rate=3),))


def test_block_traffic() -> None:
    """Paths become numbers; what the kernel does not have is left out and said."""
    asked, numbers = service(blkio_config=BLOCK), {"/dev/a": (8, 0), "/dev/b": (7, 1)}
    assert resources(asked, RICH, numbers)["blockIO"] == {
        "weight": 300, "weightDevice": [{"major": 8, "minor": 0, "weight": 50}],
        "throttleReadBpsDevice": [{"major": 7, "minor": 1, "rate": 9}],
        "throttleWriteIOPSDevice": [{"major": 8, "minor": 0, "rate": 3}]}
    none = replace(RICH, block_weight=False, block_limits=False)
    assert "blockIO" not in resources(asked, none, numbers)
    assert [line.partition(":")[0] for line in shortfalls(asked, none)] == ["blkio_config.weight", "blkio_config"]


def test_switches_of_cgroup_v1() -> None:
    """Killing for memory and real-time processor time; v2 has neither, which is said."""
    asked = service(oom_kill_disable=True, cpu_rt_runtime=100, cpu_rt_period=1000)
    found = resources(asked, RICH)
    assert found["memory"] == {"disableOOMKiller": True}
    assert found["cpu"] == {"realtimeRuntime": 100, "realtimePeriod": 1000}
    without = replace(RICH, oom_switch=False, realtime=False)
    assert resources(asked, without).keys() == {"pids"}
    assert [line.partition(":")[0] for line in shortfalls(asked, without)] == ["oom_kill_disable", "cpu_rt_runtime"]


def test_a_profile_without_its_security_module_is_said() -> None:
    """As with Docker the container runs without it."""
    asked = service(security_opt=("apparmor=mine",))
    assert shortfalls(asked, RICH) == ("security_opt: apparmor=mine is without effect, the kernel has no AppArmor",)
    assert shortfalls(asked, replace(RICH, apparmor=True)) == ()
