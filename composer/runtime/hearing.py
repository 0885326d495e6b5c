"""Whether a container's PID 1 can hear a signal: the kernel drops one that PID 1 of a pid namespace neither catches nor blocks.

A signal awaited in rt_sigtimedwait(2) (tini, sigwait) shows in neither mask, so the system call is looked at too. In doubt
PID 1 hears.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, SIGSTOP

#: rt_sigtimedwait by machine; 177 and 421 are those of 32-bit programs (and no other blocking call of the 64-bit tables).
AWAITING: Mapping[str, frozenset[int]] = {"x86_64": frozenset({128, 177, 421}), "aarch64": frozenset({137, 177, 421})}


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at a process; `own_namespace`: it is PID 1 of a pid namespace below ours."""

    caught: int
    blocked: int
    awaiting: bool
    traced: bool
    own_namespace: bool


def is_deaf(sample: Sample, signal: int) -> bool:
    """The decision on one look; the thread that the kernel asks is the main one, whose masks /proc/PID/status shows."""
    if signal in (SIGKILL, SIGSTOP) or sample.awaiting or sample.traced or not sample.own_namespace:
        return False
    return not (sample.caught | sample.blocked) >> (signal - 1) & 1


def look(pid: int, machine: str = "") -> Sample | None:
    """None when the process is gone, or cannot be looked at wholly."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(errors="replace")
        call = Path(f"/proc/{pid}/syscall").read_text()
    except OSError:
        return None
    return parse(status, call, machine or platform.machine())


def parse(status: str, call: str, machine: str) -> Sample | None:
    """From the texts of /proc/PID/status and /proc/PID/syscall (proc(5)); None for a machine whose system calls we do not know."""
    fields = {key: value.strip() for key, _, value in (line.partition(":") for line in status.splitlines())}
    numbers = fields.get("NSpid", "").split()
    if machine not in AWAITING or not {"SigCgt", "SigBlk", "TracerPid"} <= fields.keys():
        return None
    first = call.split()[:1]
    return Sample(
        caught=int(fields["SigCgt"], 16),
        blocked=int(fields["SigBlk"], 16),
        awaiting=bool(first) and first[0].isdecimal() and int(first[0]) in AWAITING[machine],
        traced=fields["TracerPid"] != "0",
        own_namespace=len(numbers) > 1 and numbers[-1] == "1",
    )
