"""What a container uses, read from groups as v1 and v2 have them, and its processes from the texts of /proc."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from composer.runtime import meters
from composer.runtime.cgroups import Groups, Layout
from composer.runtime.processes import parse

MI = 1 << 20


def fill(folder: Path, files: Mapping[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)


def test_v2_has_all_in_one_group(tmp_path: Path) -> None:
    """Microseconds of processor; memory without the cache that may go; devices added up; `max` is the machine's memory."""
    groups = Groups(Layout(2, tmp_path), "hash")
    folder = tmp_path / groups.path_of("id").lstrip("/")
    fill(folder, {
        "cpu.stat": "usage_usec 2500000\nuser_usec 1\n",
        "memory.current": f"{10 * MI}\n",
        "memory.stat": f"anon 1\ninactive_file {3 * MI}\n",
        "memory.max": "max\n",
        "io.stat": "8:0 rbytes=100 wbytes=7 rios=1\n8:16 rbytes=20 wbytes=0\n",
        "pids.current": "4\n",
    })
    found = meters.read(groups, "id", None)
    assert (found.cpu, found.memory, found.read, found.written, found.processes) == (2.5, 7 * MI, 120, 7, 4)
    assert found.memory_limit == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    (folder / "memory.max").write_text(f"{64 * MI}\n")
    assert meters.read(groups, "id", None).memory_limit == 64 * MI


def test_v1_has_a_group_a_controller(tmp_path: Path) -> None:
    """Nanoseconds; a limit of almost 2^63 is none."""
    groups = Groups(Layout(1, None, tuple(tmp_path / name for name in ("cpu,cpuacct", "memory", "blkio", "pids"))), "hash")
    path = groups.path_of("id").lstrip("/")
    fill(tmp_path / "cpu,cpuacct" / path, {"cpuacct.usage": "1500000000\n"})
    fill(tmp_path / "memory" / path, {
        "memory.usage_in_bytes": f"{5 * MI}\n",
        "memory.limit_in_bytes": f"{64 * MI}\n",
        "memory.stat": f"inactive_file 1\ntotal_inactive_file {MI}\n",
    })
    fill(tmp_path / "blkio" / path, {"blkio.throttle.io_service_bytes": "8:0 Read 10\n8:0 Write 20\n8:0 Total 30\n8:16 Read 1\nTotal 31\n"})
    fill(tmp_path / "pids" / path, {"pids.current": "2\n"})
    found = meters.read(groups, "id", None)
    assert (found.cpu, found.memory, found.memory_limit) == (1.5, 4 * MI, 64 * MI)
    assert (found.read, found.written, found.processes) == (11, 20, 2)
    (tmp_path / "memory" / path / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    assert meters.read(groups, "id", None).memory_limit < 1 << 62


@pytest.mark.parametrize("layout", [Layout(2, Path("/nonexistent")), Layout(1, None, (Path("/nonexistent/memory"),))])
def test_a_container_without_groups_uses_nothing(layout: Layout) -> None:
    """It has just ended."""
    found = meters.read(Groups(layout, "hash"), "id", None)
    assert (found.cpu, found.memory, found.processes) == (0, 0, 0)


def test_a_process_from_its_texts() -> None:
    """The name may hold brackets and blanks; without a command line it is shown by its name; terminals as ps names them."""
    ticks = os.sysconf("SC_CLK_TCK")
    stat = f"77 (odd ) name) S 5 77 77 34819 77 0 0 0 0 0 {3 * ticks} {ticks} 0 0 20 0 1 0 {100 * ticks} 0"
    found = parse(77, 1000, stat, "sh\0-c\0sleep 1\0", 1000.0)
    assert (found.pid, found.parent, found.uid, found.terminal, found.started, found.cpu) == (77, 5, 1000, "pts/3", 1100.0, 4.0)
    assert found.command == "sh -c sleep 1"
    assert parse(77, 0, stat.replace(" 34819 ", " 0 "), "", 0).terminal == "?"
    assert parse(77, 0, stat.replace(" 34819 ", " 1025 "), "", 0).terminal == "tty1"
    assert parse(77, 0, stat, "", 0).command == "[odd ) name]"
