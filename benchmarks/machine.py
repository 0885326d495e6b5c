"""What the figures depend on, as the report names it."""

from __future__ import annotations

import os
import platform
import re
import shutil
from datetime import UTC, datetime

from composer.process import run

PROGRAMS = ("crun", "conmon")


def describe() -> dict[str, str]:
    """Date, kernel, cores, memory, load and versions."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{pages / 2**30:.0f} GiB",
        "load average at the start": f"{os.getloadavg()[0]:.1f}",
        "Python": platform.python_version(),
        **{name: version(name) for name in PROGRAMS if shutil.which(name)},
    }


def version(name: str) -> str:
    """The number that `NAME --version` says first."""
    said = run([name, "--version"]).stdout
    found = re.search(r"\d+(\.\d+)+", said)
    return found[0] if found else "unknown"
