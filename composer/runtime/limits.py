"""How much of the machine a container may use: `resources` and `rlimits` of config.json, and what could not be had.

Pure (OCI runtime specification, config-linux.md; cgroups(7), getrlimit(2)).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from composer.errors import ContainerError
from composer.model.limits import Ulimit
from composer.model.service import Service
from composer.runtime import blkio
from composer.runtime.machine import Facts
from composer.runtime.security import security

#: Processes and threads of one container, where the service sets no limit (as containers.conf has it).
PIDS = 2048
CPU_PERIOD = 100_000  # microseconds
CPU_SHARES = 1024  # the weight of one processor

#: What the engine's daemon usually runs with and containers there inherit.
ULIMITS = {"nofile": Ulimit(soft=1_048_576, hard=1_048_576)}
UNLIMITED = 2**64 - 1  # RLIM_INFINITY


def resources(service: Service, facts: Facts, block: blkio.Numbers | None = None) -> dict[str, Any]:
    """All but the devices; what is not said is left out. `block`: the numbers of the block devices that it names."""
    pids = PIDS if service.pid_limit is None else service.pid_limit
    # No limit is said by saying nothing: crun 1.8 writes -1 into pids.max as it is, which the kernel refuses.
    found = {"memory": _memory(service, facts), "cpu": _cpu(service, facts), "pids": {"limit": pids} if pids > 0 else {},
             "blockIO": blkio.block_io(service.blkio_config, facts, block or {})}
    return {name: values for name, values in found.items() if values}


def _memory(service: Service, facts: Facts) -> dict[str, int]:
    """Memory without a swap limit of its own may swap as much again (`--memory-swap` unset)."""
    limit, both = service.memory, service.memswap_limit
    if both and not limit:
        raise ContainerError(f"services.{service.name}.memswap_limit: only together with mem_limit")
    if both and limit and -1 < both < limit:
        raise ContainerError(f"services.{service.name}.memswap_limit: it is memory and swap together, and less than mem_limit")
    swap = {"swap": both or limit * 2} if limit and facts.swap_limit else {}
    swappiness = service.mem_swappiness if facts.swappiness and service.mem_swappiness not in (None, -1) else None
    endless = {"disableOOMKiller": True} if service.oom_kill_disable and facts.oom_switch else {}
    values = {"limit": limit, "reservation": service.memory_reservation, **swap, "swappiness": swappiness, **endless}
    return {key: value for key, value in values.items() if value or (key == "swappiness" and value is not None)}


def _cpu(service: Service, facts: Facts) -> dict[str, Any]:
    """Reserved processors are the weight in the competition for them."""
    period = service.cpu_period or CPU_PERIOD
    quota = service.cpu_quota or (round(service.cpu_limit * period) if service.cpu_limit else None)
    reserved = service.deploy.resources.reservations.cpus
    shares = service.cpu_shares or (max(2, round(reserved * CPU_SHARES)) if reserved else None)
    values = {"quota": quota, "period": period if quota or service.cpu_period else None, "shares": shares, "cpus": service.cpuset}
    if facts.realtime:
        values |= {"realtimeRuntime": service.cpu_rt_runtime, "realtimePeriod": service.cpu_rt_period}
    return {key: value for key, value in values.items() if value}


def rlimits(service: Service, facts: Facts) -> list[dict[str, Any]]:
    """`process.rlimits`: without CAP_SYS_RESOURCE nobody can go above the own hard limit: take that, instead of failing."""
    wanted = {**ULIMITS, **service.ulimits}
    return [{"type": f"RLIMIT_{name.upper()}", "soft": _lowered(name, limit.soft, facts), "hard": _lowered(name, limit.hard, facts)}
            for name, limit in wanted.items()]


def _lowered(name: str, value: int, facts: Facts) -> int:
    asked = UNLIMITED if value < 0 else value
    top = facts.hard_limits.get(name) if "CAP_SYS_RESOURCE" not in facts.capabilities else None
    return asked if top is None else min(asked, top)


def oom_score(service: Service, facts: Facts) -> int:
    """`process.oomScoreAdj` (proc(5)): a process without CAP_SYS_RESOURCE can only raise its own."""
    return max(service.oom_score_adj or 0, facts.lowest_oom_score)


def shortfalls(service: Service, facts: Facts) -> tuple[str, ...]:
    """What the service asks for and does not get here, in words for the user."""
    return tuple(f"{attribute}: {what}" for attribute, what in (*_lowered_limits(service.ulimits, facts), *_unheard(service, facts)))


def _lowered_limits(ulimits: Mapping[str, Ulimit], facts: Facts) -> Iterator[tuple[str, str]]:
    for name, limit in ulimits.items():
        got, asked = _lowered(name, limit.hard, facts), UNLIMITED if limit.hard < 0 else limit.hard
        if got < asked:
            yield f"ulimits.{name}", f"lowered to {got}, the hard limit of composer itself"


def _unheard(service: Service, facts: Facts) -> Iterator[tuple[str, str]]:
    got = oom_score(service, facts)
    if service.oom_score_adj is not None and service.oom_score_adj < got:
        yield "oom_score_adj", f"raised to {got}, lower needs CAP_SYS_RESOURCE"
    if service.mem_swappiness not in (None, -1) and not facts.swappiness:
        yield "mem_swappiness", "without effect, cgroup v2 has none"
    if service.memswap_limit and not facts.swap_limit:
        yield "memswap_limit", "without effect, the kernel does not account swap"
    if service.oom_kill_disable and not facts.oom_switch:
        yield "oom_kill_disable", "without effect, cgroup v2 has no such switch"
    if (service.cpu_rt_runtime or service.cpu_rt_period) and not facts.realtime:
        yield "cpu_rt_runtime", "without effect, the kernel gives no real-time processor time to groups"
    yield from blkio.missing(service.blkio_config, facts)
    yield from _unlabelled(service, facts)


def _unlabelled(service: Service, facts: Facts) -> Iterator[tuple[str, str]]:
    """As with Docker, where a security module that is not there is asked for nothing."""
    profile = security(service.security_opt).apparmor
    if profile and not facts.apparmor:
        yield "security_opt", f"apparmor={profile} is without effect, the kernel has no AppArmor"
