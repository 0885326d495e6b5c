"""What composer could leave on the host, as names that can be compared before and after."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

HostState = dict[str, frozenset[str]]

SCRATCH = ("/tmp", "/var/tmp", "/dev/shm", "/run")
#: Programs that composer starts and that outlive its commands.
LASTING = ("conmon", "crun", "runc", "pasta")


def look() -> HostState:
    """One reading; needs root for the packet rules."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    return {
        "links": frozenset(_links()),
        "packet tables": frozenset(_tables()),
        "mounts": frozenset(fields[1] for fields in mounts),
        "namespace pins": frozenset(fields[1] for fields in mounts if fields[2] == "nsfs"),
        "cgroups": frozenset(_groups()),
        "processes": frozenset(_processes()),
        "run folders": frozenset(_children("/run/composer")),
        "scratch folders": frozenset(name for top in SCRATCH for name in _children(top) if "composer" in name),
    }


def left(before: HostState) -> dict[str, list[str]]:
    """What is there now and was not before, by kind; kinds without a difference are left out."""
    now = look()
    extra = {kind: sorted(now[kind] - names) for kind, names in before.items()}
    return {kind: names for kind, names in extra.items() if names}


def _links() -> Iterable[str]:
    listed = json.loads(subprocess.run(["ip", "-json", "link"], capture_output=True, check=True).stdout)
    return (link["ifname"] for link in listed)


def _tables() -> Iterable[str]:
    listed = json.loads(subprocess.run(["nft", "--json", "list", "tables"], capture_output=True, check=True).stdout)
    return (f"{item['table']['family']} {item['table']['name']}" for item in listed["nftables"] if "table" in item)


def _groups() -> Iterable[str]:
    for folder, _folders, _files in os.walk("/sys/fs/cgroup"):
        if "composer" in folder:
            yield folder


def _processes() -> Iterable[str]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                words = entry.joinpath("cmdline").read_bytes().rstrip(b"\0").decode(errors="replace").split("\0")
                if words[0].startswith("composer: ") or Path(words[0]).name in LASTING:
                    yield f"{entry.name} {' '.join(words)[:200]}"


def _children(folder: str) -> list[str]:
    with suppress(FileNotFoundError):
        return [str(path) for path in Path(folder).iterdir()]
    return []
