"""What /proc shows of a container's PID 1 without entering it: its listeners and its program."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from composer.procfs import descendants

LISTEN = "0A"
CLOCK = os.sysconf("SC_CLK_TCK")


def listeners(pid: int) -> frozenset[int]:
    """TCP ports in LISTEN on an address that others can reach, in the network namespace of the process."""
    return frozenset(port for name in ("tcp", "tcp6") for port in parse_listeners(_text(f"/proc/{pid}/net/{name}")))


def parse_listeners(table: str) -> Iterator[int]:
    """The ports in the text of /proc/PID/net/tcp or tcp6 (proc(5)); loopback addresses, also mapped ones, are left out."""
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 3 and fields[3] == LISTEN:
            address, _, port = fields[1].partition(":")
            if not _is_loopback(address):
                yield int(port, 16)


def running(pid: int) -> str:
    """The program and where execve(2) put it (start of code and stack, random each time): another text means another program,
    or the same one executed again. "" when the process is gone."""
    try:
        program = os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return ""
    fields = _text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return f"{program} {fields[23]} {fields[25]}" if len(fields) > 25 else ""


def effort(pid: int) -> float:
    """Seconds that the process and all below it have spent on a processor or waiting for one; children that ended count too (proc(5))."""
    return sum(map(_effort, (pid, *descendants(pid))))


def _effort(pid: int) -> float:
    fields = _text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    waited = _text(f"/proc/{pid}/schedstat").split()
    ticks = sum(map(int, fields[11:15])) if len(fields) > 14 else 0
    return ticks / CLOCK + (int(waited[1]) / 1e9 if len(waited) > 1 else 0.0)


def command_lines(pid: int) -> tuple[tuple[str, ...], ...]:
    """Of the process, and behind it of its children (proc(5), cmdline); one that is gone has none."""
    children = (int(word) for word in _text(f"/proc/{pid}/task/{pid}/children").split())
    lines = (_text(f"/proc/{one}/cmdline").rstrip("\0") for one in (pid, *children))
    return tuple(tuple(line.split("\0")) for line in lines if line)


def _is_loopback(words: str) -> bool:
    """The kernel prints each 32-bit word of an address in the machine's byte order."""
    raw = b"".join(struct.pack("=I", int(words[at:at + 8], 16)) for at in range(0, len(words), 8))
    if len(raw) == 4:
        return IPv4Address(raw).is_loopback
    address = IPv6Address(socket.inet_ntop(socket.AF_INET6, raw))
    return address.is_loopback or (address.ipv4_mapped is not None and address.ipv4_mapped.is_loopback)


def _text(path: str) -> str:
    with suppress(OSError):
        return Path(path).read_text(errors="replace")
    return ""
