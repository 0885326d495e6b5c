"""Ctrl-C as something to select on."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

#: 128 + SIGINT, as docker compose has it.
INTERRUPTED = 130


@contextmanager
def interrupted_by(*numbers: signal.Signals) -> Iterator[socket.socket]:
    """A socket that gives the number of each signal (SIGINT and SIGTERM by default) as a byte, for as long as the block runs."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    old_wakeup = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    old = {number: signal.signal(number, lambda *_: None) for number in numbers or (signal.SIGINT, signal.SIGTERM)}
    try:
        yield ours
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(old_wakeup)
        ours.close()
        theirs.close()
