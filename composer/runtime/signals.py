"""Processes told from later ones with the same number, and signals sent to exactly them (pidfd_open(2))."""

from __future__ import annotations

import os
import re
import select
import signal as signals
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from composer.errors import ContainerError
from composer.observed import Process
from composer.procfs import boot_id, start_time


def number_of(name: str) -> int:
    """The number of a signal: "SIGTERM", "TERM", "15", "RTMIN+3", "SIGRTMAX-1", in any case."""
    text = name.strip().upper()
    if text.isdecimal() and 1 <= int(text) <= signals.SIGRTMAX:
        return int(text)
    match = re.fullmatch(r"(?:SIG)?(?P<base>[A-Z][A-Z0-9]*)(?P<offset>[+-]\d+)?", text)
    base = getattr(signals.Signals, f"SIG{match['base']}", None) if match else None
    if match is None or base is None or (match["offset"] and not match["base"].startswith("RT")):
        raise ContainerError(f"no signal named {name!r}", hint="write it like SIGTERM, TERM, 15 or RTMIN+3")
    number = int(base) + int(match["offset"] or 0)
    if match["offset"] and not signals.SIGRTMIN <= number <= signals.SIGRTMAX:
        raise ContainerError(f"no signal named {name!r}", hint=f"RTMIN+0 to RTMIN+{signals.SIGRTMAX - signals.SIGRTMIN} are there")
    return number


def identify(pid: int) -> Process | None:
    """The process that has this number now; None when it is gone, or a zombie."""
    started = start_time(pid)
    return Process(pid, started, boot_id()) if started is not None else None


def alive(process: Process) -> bool:
    """Whether it is still this very process, and has not ended."""
    return process.boot_id == boot_id() and start_time(process.pid) == process.start_time


def send(process: Process, number: int) -> None:
    """One that is gone is fine; a later process of the same number gets nothing."""
    with _opened(process.pid) as descriptor:
        # Looked at while the descriptor is open: the number cannot change hands between look and signal.
        if descriptor is not None and alive(process):
            with suppress(ProcessLookupError):
                signals.pidfd_send_signal(descriptor, number)


def wait_for_end(pid: int, patience: float) -> bool:
    """Wait for the end of a process, ours or not, `patience` seconds at most; whether it has ended."""
    with _opened(pid) as descriptor:
        if descriptor is None:
            return True
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(max(0.0, patience) * 1000))


@contextmanager
def _opened(pid: int) -> Iterator[int | None]:
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)
