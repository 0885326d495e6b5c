"""Who hears the stop signal, tried on real init programs: only those that would ignore it anyway count as deaf."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from composer.observed import Process
from composer.runtime.signals import wait_for_end
from tests.eventually import eventually
from tests.runtime_world import World, host_programs, missing, needs_root, world

pytestmark = [pytest.mark.root, pytest.mark.skipif(not needs_root, reason="needs root"),
              pytest.mark.skipif(bool(missing), reason=f"not installed: {missing}"),
              pytest.mark.skipif(not Path("/proc/self/syscall").exists(), reason="the kernel has no /proc/PID/syscall")]

SIGWAIT = "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, {15}); print('ready', flush=True); signal.sigwait({15})"

#: What PID 1 is, and the line by which it says that it is as far as it gets ("" when it says none).
HEARING = {
    "tini": ("/usr/bin/tini", "--", "sh", "-c", "echo ready; exec sleep 100"),
    "dumb-init": ("/usr/bin/dumb-init", "--", "sh", "-c", "echo ready; exec sleep 100"),
    "catatonit": ("/usr/bin/catatonit", "--", "sh", "-c", "echo ready; exec sleep 100"),
    "sigwait": ("/usr/bin/python3", "-c", SIGWAIT),
    "trap": ("sh", "-c", "trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done"),
}
DEAF = {
    "sleep": ("sh", "-c", "echo ready; exec sleep 100"),
    "shell": ("sh", "-c", "echo ready; sleep 100; true"),
    "python": ("/usr/bin/python3", "-c", "import time; print('ready', flush=True); time.sleep(100)"),
    "ignoring": ("sh", "-c", "trap '' TERM; echo ready; exec sleep 100"),
}


@pytest.fixture
def w(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path, "test0hearing") as made:
        made.mounts = host_programs(made.root)
        yield made
    assert made.traces() == []


def _running(w: World, command: tuple[str, ...]) -> Process:
    if command[0].startswith("/") and not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    created = w.start("a", *command)
    eventually(lambda: "ready" in w.log("a"))
    return created.process


@pytest.mark.parametrize("name", HEARING)
def test_it_hears(w: World, name: str) -> None:
    """No sample of many says deaf, from the line on that it is ready; and it does end by the signal."""
    process = _running(w, HEARING[name])
    eventually(lambda: not w.runtime.deaf(process, "SIGTERM"))
    assert not any([w.runtime.deaf(process, "SIGTERM") for _ in range(50)])
    w.runtime.signal(process, "SIGTERM")
    assert wait_for_end(process.pid, 10)


@pytest.mark.parametrize("name", DEAF)
def test_it_is_deaf(w: World, name: str) -> None:
    """Every sample says deaf, and the signal does nothing."""
    process = _running(w, DEAF[name])
    eventually(lambda: w.runtime.deaf(process, "SIGTERM"))
    w.runtime.signal(process, "SIGTERM")
    assert all([w.runtime.deaf(process, "SIGTERM") for _ in range(20)])
    assert not wait_for_end(process.pid, 0.1)
    assert not w.runtime.deaf(process, "SIGKILL")


def test_a_process_of_the_host_is_never_deaf(w: World) -> None:
    """Only PID 1 of a pid namespace below ours is protected by the kernel; one that is gone is not deaf either."""
    process = _running(w, DEAF["sleep"])
    w.runtime.delete("a", w.oci)
    assert not w.runtime.deaf(process, "SIGTERM")
