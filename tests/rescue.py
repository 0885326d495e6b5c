"""Take a project away by force, when `down` could not: one broken test must not spoil those after it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from composer.store import ProjectPlaces, remove_tree


def remove_by_force(project: ProjectPlaces) -> None:
    """Everything that bears the project's hash: processes, groups, link, packet rules, namespace pin, folders."""
    _stop(project)
    remove_tree(project.state)


def power_off(*projects: ProjectPlaces) -> None:
    """What a reboot leaves of projects: their state folders, and nothing of what connects them."""
    for project in projects:
        _stop(project)
    for pin in projects[0].top.run.glob("networks/*/netns"):
        subprocess.run(["umount", "--lazy", str(pin)], capture_output=True, check=False)
    remove_tree(projects[0].top.run / "networks")


def _stop(project: ProjectPlaces) -> None:
    groups = [Path(folder) for folder, _folders, _files in os.walk("/sys/fs/cgroup") if project.hash in folder]
    _kill(groups)
    for group in sorted(groups, key=lambda path: len(path.parts), reverse=True):
        with suppress(OSError):
            group.rmdir()
    for argv in (["ip", "link", "delete", f"cmp{project.hash}"], ["nft", "delete", "table", "inet", f"composer_{project.hash}"],
                 ["umount", "--lazy", str(project.netns)]):
        subprocess.run(argv, capture_output=True, check=False)
    remove_tree(project.run)


def _kill(groups: list[Path]) -> None:
    """Guard and supervisor first, so that nothing is started again; a few rounds, since a process may fork meanwhile."""
    for _round in range(50):
        found = [int(pid) for group in sorted(groups, key=lambda path: path.name != "supervisor") for pid in _members(group)]
        if not found:
            return
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def _members(group: Path) -> list[str]:
    with suppress(OSError):
        return group.joinpath("cgroup.procs").read_text().split()
    return []
