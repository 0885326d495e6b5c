"""Names of signals, and processes told from later ones."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import replace

import pytest

from composer.errors import ContainerError
from composer.procfs import kill_tree
from composer.runtime import signals


@pytest.mark.parametrize(("name", "number"), [("SIGTERM", 15), ("term", 15), ("15", 15), (" SIGQUIT ", 3), ("RTMIN+3", signal.SIGRTMIN + 3),
                                              ("SIGRTMAX-1", signal.SIGRTMAX - 1), ("SIGRTMIN", signal.SIGRTMIN), ("winch", 28)])
def test_names_are_understood(name: str, number: int) -> None:
    """With or without SIG, in any case, by number, and relative to the real-time ones."""
    assert signals.number_of(name) == number


@pytest.mark.parametrize("name", ["", "0", "65", "SIGNONE", "TERM+1", "RTMIN+99", "RTMIN-1", "SIG_DFL", "-9"])
def test_what_is_no_signal_is_refused(name: str) -> None:
    """With a hint at how to write it."""
    with pytest.raises(ContainerError, match="no signal named"):
        signals.number_of(name)


def test_a_process_is_itself_and_no_other() -> None:
    """Pid, start time and boot together; a zombie is not alive any more."""
    with subprocess.Popen(["sleep", "100"]) as child:
        process = signals.identify(child.pid)
        assert process is not None and signals.alive(process)
        for other in (replace(process, start_time=process.start_time + 1), replace(process, boot_id="another")):
            assert not signals.alive(other)
            signals.send(other, signal.SIGKILL)
        assert signals.alive(process)
        assert not signals.wait_for_end(child.pid, 0)
        signals.send(process, signal.SIGKILL)
        assert signals.wait_for_end(child.pid, 10)
        assert not signals.alive(process) and signals.identify(child.pid) is None
        signals.send(process, signal.SIGKILL)
    assert signals.wait_for_end(process.pid, 0)
    assert child.returncode == -signal.SIGKILL


def test_a_whole_tree_is_killed() -> None:
    """Children and grandchildren too; the caller stays."""
    script = "sh -c 'sleep 100 & echo $!; wait' & echo $!; wait"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdout is not None
        pids = [shell.pid, *(int(shell.stdout.readline()) for _ in range(2))]
        processes = [signals.identify(pid) for pid in pids]
        assert all(processes)
        kill_tree(shell.pid)
        assert all(signals.wait_for_end(pid, 10) for pid in pids)
    assert signals.alive(signals.identify(os.getpid()) or pytest.fail("we are gone"))
