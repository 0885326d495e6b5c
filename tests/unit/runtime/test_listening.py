"""Listeners as sock_diag(7) tells them."""

from __future__ import annotations

import os
import socket
import sys

import pytest

from composer.runtime.listening import _is_loopback, _messages

pytestmark = pytest.mark.skipif(sys.byteorder != "little", reason="the messages are a little-endian kernel's")


@pytest.mark.parametrize(("address", "loopback"), [
    ("0.0.0.0", False), ("10.211.0.2", False), ("127.0.0.1", True), ("127.0.0.11", True),
    ("::", False), ("::1", True), ("::ffff:127.0.0.1", True), ("::ffff:10.211.0.2", False),
])
def test_loopback_addresses_are_of_no_use_to_others(address: str, loopback: bool) -> None:
    """Also where IPv6 has them mapped."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    assert _is_loopback(socket.inet_pton(family, address).ljust(16, b"\0"), family) is loopback


def test_a_packet_may_hold_several_messages() -> None:
    """Each begins at a multiple of four bytes (netlink(7))."""
    first = bytes.fromhex("15000000 1400 0000 00000000 00000000") + b"abcde" + b"\0" * 3
    last = bytes.fromhex("10000000 0300 0000 00000000 00000000")
    assert list(_messages(first + last)) == [(20, b"abcde"), (3, b"")]


@pytest.mark.skipif(os.geteuid() != 0, reason="entering a namespace needs root")
def test_a_process_that_is_gone_has_none() -> None:
    """No number of a process is as high."""
    from composer.runtime.listening import listeners

    assert listeners(1 << 30) == frozenset()
