"""The decision on one look at PID 1."""

from __future__ import annotations

from dataclasses import replace

import pytest

from composer.runtime.hearing import Sample, is_deaf, parse

TERM, KILL, USR1 = 15, 9, 10
SLEEP = Sample(caught=0, blocked=0, awaiting=False, traced=False, own_namespace=True)
STATUS = """Name:\tinit
TracerPid:\t0
NSpid:\t4711\t1
SigBlk:\t0000000000000000
SigIgn:\t0000000000004000
SigCgt:\t{caught}
"""


@pytest.mark.parametrize(("sample", "deaf"), [
    (SLEEP, True),
    (replace(SLEEP, caught=1 << TERM - 1), False),
    (replace(SLEEP, blocked=1 << TERM - 1), False),
    (replace(SLEEP, caught=1 << USR1 - 1), True),
    (replace(SLEEP, awaiting=True), False),
    (replace(SLEEP, traced=True), False),
    (replace(SLEEP, own_namespace=False), False),
])
def test_deaf_is_who_neither_catches_nor_blocks_nor_awaits(sample: Sample, deaf: bool) -> None:
    """And only PID 1 of its own namespace, which the kernel protects, and nobody who is traced."""
    assert is_deaf(sample, TERM) is deaf


def test_nobody_is_deaf_to_kill() -> None:
    """SIGKILL from outside the namespace cannot be ignored."""
    assert not is_deaf(SLEEP, KILL)


def test_the_texts_of_proc_are_read() -> None:
    """Masks are hexadecimal, an ignored signal is not a caught one, NSpid's last number is the inner one."""
    assert parse(STATUS.format(caught="0" * 16), "35 0x7ffd 0x0 0x0", "x86_64") == SLEEP
    caught = parse(STATUS.format(caught="0000000000004000"), "running\n", "x86_64")
    assert caught is not None and caught.caught == 1 << TERM - 1 and not caught.awaiting
    outer = parse(STATUS.format(caught="0").replace("\t1\n", "\n"), "35", "x86_64")
    assert outer is not None and not outer.own_namespace


@pytest.mark.parametrize(("machine", "call", "awaiting"), [
    ("x86_64", "128 0x1", True), ("x86_64", "421 0x1", True), ("x86_64", "137 0x1", False), ("aarch64", "137 0x1", True),
    ("aarch64", "128 0x1", False),
])
def test_awaiting_is_known_by_the_system_call(machine: str, call: str, awaiting: bool) -> None:
    """rt_sigtimedwait has another number on each machine."""
    sample = parse(STATUS.format(caught="0"), call, machine)
    assert sample is not None and sample.awaiting is awaiting


def test_in_doubt_nothing_is_said() -> None:
    """An unknown machine, or a status without the masks, gives no sample."""
    assert parse(STATUS.format(caught="0"), "128", "vax") is None
    assert parse("Name:\tx\n", "128", "x86_64") is None
