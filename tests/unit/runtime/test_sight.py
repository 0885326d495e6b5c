"""Listeners as /proc/PID/net/tcp and tcp6 print them, and the time that processes take."""

from __future__ import annotations

import os
import sys
import time

import pytest

from composer.runtime.sight import effort, parse_listeners

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
REST = "00000000:00000000 00:00000000 00000000     0        0 142455 1 0 100 0 0 10 0\n"
pytestmark = pytest.mark.skipif(sys.byteorder != "little", reason="the texts are a little-endian kernel's")


@pytest.mark.parametrize(("local", "state", "ports"), [
    ("00000000:1538", "0A", {5432}),
    ("0200D30A:0050", "0A", {80}),
    ("0100007F:1538", "0A", set()),
    ("0B00007F:0035", "0A", set()),
    ("00000000:1538", "01", set()),
    ("00000000000000000000000000000000:1F90", "0A", {8080}),
    ("00000000000000000000000001000000:1F90", "0A", set()),
    ("0000000000000000FFFF00000100007F:1F90", "0A", set()),
    ("0000000000000000FFFF00000200D30A:1F90", "0A", {8080}),
])
def test_only_listeners_that_others_can_reach_count(local: str, state: str, ports: set[int]) -> None:
    """All addresses and real ones do; loopback, also mapped into IPv6, and connections do not."""
    assert set(parse_listeners(f"{HEAD}   0: {local} 00000000:0000 {state} {REST}")) == ports


def test_a_process_that_is_gone_has_none() -> None:
    """An empty text is no table."""
    assert set(parse_listeners("")) == set()


def test_effort_grows_with_work_alone() -> None:
    """Time on a processor counts, also that of children that have ended; a process that is gone has made none."""
    before = effort(os.getpid())
    child = os.fork()
    if not child:
        deadline = time.process_time() + 0.1
        while time.process_time() < deadline:
            pass
        os._exit(0)
    os.waitpid(child, 0)
    assert effort(os.getpid()) - before >= 0.08
    assert effort(child) == 0
