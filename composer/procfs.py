"""Processes as /proc tells them (proc(5)), and the end of whole trees of them."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from functools import lru_cache


@lru_cache
def boot_id() -> str:
    """Changes with each boot of the kernel (random(4)): a process id of another boot says nothing."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


def start_time(pid: int) -> int | None:
    """Clock ticks from boot to its start: tells it from a later one with its number. None when it is gone, or a zombie."""
    with suppress(OSError), open(f"/proc/{pid}/stat", errors="replace") as file:
        # The command, in brackets, may hold anything; state is field 3, start time field 22.
        fields = file.read().rpartition(")")[2].split()
        return None if fields[0] in "ZXx" else int(fields[19])
    return None


def descendants(pid: int) -> list[int]:
    """Every process below `pid`, parents first."""
    found: list[int] = []
    front = [pid]
    while front:
        front = [child for parent in front for child in children(parent)]
        found += front
    return found


def children(pid: int) -> list[int]:
    """From /proc/PID/task/TID/children (CONFIG_PROC_CHILDREN, everywhere by default)."""
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []
    found: list[int] = []
    for task in tasks:
        with suppress(OSError), open(f"/proc/{pid}/task/{task}/children") as file:
            found += map(int, file.read().split())
    return found


def kill_tree(pid: int) -> None:
    """SIGKILL a process and all its descendants: what a killed `crun exec` leaves inside the container as well.

    Each is stopped before its children are listed, so that none is forked unseen. Who started `pid` waits for it."""
    stopped: list[int] = []
    todo = [pid]
    while todo:
        parent = todo.pop()
        with suppress(ProcessLookupError):
            os.kill(parent, signal.SIGSTOP)
            stopped.append(parent)
            todo.extend(children(parent))
    for process in stopped:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
