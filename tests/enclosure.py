"""A place of its own for a program that takes a whole machine for itself, like a Docker engine: network, packet rules, mounts, /run and
process ids. When it ends, everything in it ends with it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from composer.runtime.signals import wait_for_end

#: Also reaps the orphans, as the first process of a machine does.
_SCRIPT = """
trap 'exit 0' TERM
mount -t tmpfs tmpfs /run
for path in "$@"; do umount "$path"; done
ip link set lo up
echo ready
sleep infinity & wait
"""
_UNSHARE = ("setpriv", "--pdeathsig=KILL", "unshare", "--net", "--mount", "--propagation=private", "--pid", "--fork", "--mount-proc",
            "--kill-child")
#: Of the enclosure itself.
_OWN = ("sh", "sleep")
PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Enclosure:
    """`pid` is its first process, as the machine counts."""

    pid: int

    def argv(self, *command: str, folder: Path = Path("/")) -> list[str]:
        """A command line that runs inside."""
        return ["nsenter", f"--target={self.pid}", "--net", "--mount", "--pid", f"--wdns={folder}", *command]

    def processes(self) -> list[int]:
        """Those that were started in it, but not those that are in containers."""
        here = os.readlink(f"/proc/{self.pid}/ns/pid")
        return [pid for pid in _numbers() if _link(f"/proc/{pid}/ns/pid") == here and _name(pid) not in _OWN]


@contextmanager
def enclosure(*, unmounted: Sequence[Path] = ()) -> Iterator[Enclosure]:
    """Without the mounts at `unmounted`, and with an empty /run."""
    with subprocess.Popen([*_UNSHARE, "sh", "-ec", _SCRIPT, "sh", *map(str, unmounted)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True) as outer:
        assert outer.stdout
        assert outer.stdout.readline() == "ready\n", "no enclosure could be made"
        (first,) = map(int, Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text().split())
        try:
            yield Enclosure(first)
        finally:
            os.kill(first, signal.SIGTERM)
            wait_for_end(first, PATIENCE)


def remove_groups(name: str) -> None:
    """The cgroups of that name and all below, in every hierarchy; one that has processes stays."""
    tops = [Path("/sys/fs/cgroup"), *Path("/sys/fs/cgroup").iterdir()]
    for top in (top / name for top in tops if (top / name).is_dir()):
        for folder, _folders, _files in os.walk(top, topdown=False):
            with suppress(OSError):
                os.rmdir(folder)


def _numbers() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdecimal())


def _link(path: str) -> str:
    with suppress(OSError):
        return os.readlink(path)
    return ""


def _name(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""
