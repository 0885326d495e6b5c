"""What a container uses of the machine: from its cgroup (v1 and v2) and its network namespace's counters."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from composer.runtime.cgroups import Groups


@dataclass(frozen=True, slots=True)
class Reading:
    """Counters since the container's start, read at `at` (monotonic seconds): `cpu` in seconds, the rest but `processes` in bytes."""

    at: float
    cpu: float = 0
    memory: int = 0
    memory_limit: int = 0
    received: int = 0
    sent: int = 0
    read: int = 0
    written: int = 0
    processes: int = 0


def read(groups: Groups, id_: str, pid: int | None) -> Reading:
    """One reading; what the kernel does not count is 0. `pid`: a process in the container's network namespace, None when it has none of
    its own."""
    folders = groups.folders_of(id_)
    received, sent = _network(_text(Path(f"/proc/{pid}/net/dev"))) if pid else (0, 0)
    if groups.layout.version == 2:
        cpu, memory, limit, blocks = _unified(folders)
    else:
        cpu, memory, limit, blocks = _controllers(folders)
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    count = next((int(text) for folder in folders if (text := _text(folder / "pids.current").strip())), 0)
    return Reading(time.monotonic(), cpu, memory, min(limit or total, total), received, sent, blocks[0], blocks[1], count)


def _unified(folders: list[Path]) -> tuple[float, int, int, tuple[int, int]]:
    """Documentation/admin-guide/cgroup-v2: cpu.stat, memory.current, io.stat. Page cache that may go is not counted, as with Docker."""
    if not folders:
        return 0, 0, 0, (0, 0)
    folder, blocks = folders[0], dict.fromkeys(("rbytes", "wbytes"), 0)
    used = _number(folder / "memory.current") - _keyed(folder / "memory.stat", "inactive_file")
    for line in _text(folder / "io.stat").splitlines():
        for key, _, value in (word.partition("=") for word in line.split()[1:]):
            if key in blocks:
                blocks[key] += int(value)
    cpu = _keyed(folder / "cpu.stat", "usage_usec") / 1e6
    return cpu, max(0, used), _number(folder / "memory.max"), (blocks["rbytes"], blocks["wbytes"])


def _controllers(folders: list[Path]) -> tuple[float, int, int, tuple[int, int]]:
    """Documentation/admin-guide/cgroup-v1: cpuacct, memory, blkio."""
    cpu = max((_number(folder / "cpuacct.usage") for folder in folders), default=0)
    used = sum(_number(folder / "memory.usage_in_bytes") - _keyed(folder / "memory.stat", "total_inactive_file") for folder in folders)
    limit = max((_number(folder / "memory.limit_in_bytes") for folder in folders), default=0)
    lines = [line.split() for folder in folders for line in _text(folder / "blkio.throttle.io_service_bytes").splitlines()]
    read, written = (sum(int(line[2]) for line in lines if len(line) == 3 and line[1] == kind) for kind in ("Read", "Write"))
    return cpu / 1e9, max(0, used), limit, (read, written)


def _network(table: str) -> tuple[int, int]:
    """Bytes received and sent by all interfaces but the loopback (proc(5), /proc/PID/net/dev)."""
    rows = [(name.strip(), words.split()) for name, colon, words in (line.partition(":") for line in table.splitlines()) if colon]
    others = [words for name, words in rows if name != "lo"]
    return sum(int(words[0]) for words in others), sum(int(words[8]) for words in others)


def _number(path: Path) -> int:
    """0 for `max`, and for what is not there."""
    text = _text(path).strip()
    return int(text) if text.isdecimal() else 0


def _keyed(path: Path, key: str) -> int:
    return next((int(value) for name, value in _pairs(_text(path)) if name == key), 0)


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        yield name, value


def _text(path: Path) -> str:
    with suppress(OSError):
        return path.read_text()
    return ""
