"""The processes of a container as the host sees them, from /proc (proc(5)): needs nothing in the image."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

#: Major numbers of terminals (Documentation/admin-guide/devices.txt).
CONSOLE, PSEUDO_TERMINALS = 4, range(136, 144)


@dataclass(frozen=True, slots=True)
class Running:
    """`started` in seconds since the epoch, `cpu` in seconds."""

    pid: int
    parent: int
    uid: int
    terminal: str
    started: float
    cpu: float
    command: str


def look(pids: Iterable[int]) -> list[Running]:
    """Those that are still there, in order of their numbers."""
    booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    found = []
    for pid in sorted(pids):
        with suppress(OSError):
            folder = Path(f"/proc/{pid}")
            found.append(parse(pid, os.stat(folder).st_uid, _read(folder / "stat"), _read(folder / "cmdline"), booted))
    return found


def parse(pid: int, uid: int, stat: str, cmdline: str, booted: float) -> Running:
    """From the texts of stat and cmdline; a process without a command line (a zombie, a thread of the kernel) is shown by its name."""
    name, fields = stat[stat.index("(") + 1 : stat.rindex(")")], stat.rpartition(")")[2].split()
    ticks = os.sysconf("SC_CLK_TCK")
    command = cmdline.rstrip("\0").replace("\0", " ") or f"[{name}]"
    return Running(pid, int(fields[1]), uid, _terminal(int(fields[4])), booted + int(fields[19]) / ticks,
                   (int(fields[11]) + int(fields[12])) / ticks, command)


def _terminal(device: int) -> str:
    major, minor = os.major(device), os.minor(device)
    if major in PSEUDO_TERMINALS:
        return f"pts/{minor + 256 * (major - PSEUDO_TERMINALS[0])}"
    return f"tty{minor}" if major == CONSOLE else "?"


def _read(path: Path) -> str:
    return path.read_bytes().decode(errors="replace")
