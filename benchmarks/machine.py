"""What the figures depend on, as the report names it."""

from __future__ import annotations

import os
import platform
import re
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from composer.process import run

PROGRAMS = ("crun", "conmon", "runc", "dockerd", "podman")


def describe() -> dict[str, str]:
    """Date, kernel, processor, memory and versions."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": f"{len(os.sched_getaffinity(0))} cores, {processor(Path('/proc/cpuinfo').read_text())}",
        "memory": f"{pages / 2**30:.0f} GiB",
        "Python": platform.python_version(),
        **{name: version([name, "--version"]) for name in PROGRAMS if shutil.which(name)},
    }


def course(loads: Sequence[float], took: float) -> dict[str, str]:
    """How busy the machine was, and for how long; the run itself makes about one core busy."""
    return {"load average at the start, and during the run": f"{loads[0]:.1f}, {min(loads):.1f} to {max(loads):.1f}",
            "the run took": f"{took / 60:.1f} min"}


def processor(cpuinfo: str) -> str:
    """The model's name, where the architecture has one."""
    found = re.search(r"^model name\s*: (.*)$", cpuinfo, re.MULTILINE)
    return " ".join(found[1].split()) if found else "unnamed"


def version(command: list[str]) -> str:
    """The number that it says first."""
    found = re.search(r"\d+(\.\d+)+\S*", run(command).stdout)
    return found[0].rstrip(",") if found else "unknown"
