"""Detach keys, and what a failed `exec` ends with."""

from __future__ import annotations

import pytest

from composer.commands.exec import failure
from composer.commands.terminal import DETACH_KEYS, KeyWatch, keys
from composer.errors import UsageError


def test_keys_as_docker_writes_them() -> None:
    """Characters and ctrl-X, separated by commas; anything else is refused."""
    assert keys("ctrl-p,ctrl-q") == DETACH_KEYS
    assert keys("x,ctrl-@,ctrl-[,ctrl-_") == b"x\x00\x1b\x1f"
    assert keys("") == b""
    for wrong in ("ctrl-", "ctrl-pp", "alt-x", "ctrl-1", "x,"):
        with pytest.raises(UsageError):
            keys(wrong)


def test_the_sequence_is_found_wherever_it_is_split() -> None:
    """What is typed before it is passed on, what stands behind it is dropped."""
    assert KeyWatch(DETACH_KEYS).feed(b"ls\r\x10\x11more") == (b"ls\r", True)
    watch = KeyWatch(DETACH_KEYS)
    assert watch.feed(b"ls\x10") == (b"ls", False)
    assert watch.feed(b"\x11") == (b"", True)


def test_a_beginning_that_comes_to_nothing_is_passed_on() -> None:
    """Also when the sequence begins again inside of it."""
    watch = KeyWatch(DETACH_KEYS)
    assert watch.feed(b"\x10") == (b"", False)
    assert watch.feed(b"a") == (b"\x10a", False)
    assert watch.feed(b"\x10\x10") == (b"\x10", False)
    assert watch.feed(b"\x11") == (b"", True)
    assert KeyWatch(b"").feed(b"\x10\x11") == (b"\x10\x11", False)


def test_exit_codes_from_the_runtimes_words() -> None:
    """crun's and runc's: 127 for what is not there, 126 for what cannot be executed."""
    assert failure("executable file `nope` not found in $PATH: No such file or directory") == 127
    assert failure('exec failed: unable to start container process: exec: "nope": executable file not found in $PATH') == 127
    assert failure("open executable: Permission denied") == 126
    assert failure("exec format error") == 126
