"""Containers from create to delete, by crun and by runc, held by conmon."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from composer.errors import ContainerError
from composer.procfs import kill_tree
from composer.runtime.signals import wait_for_end
from tests.eventually import eventually
from tests.runtime_world import World, missing, needs_root, world

pytestmark = [pytest.mark.root, pytest.mark.skipif(not needs_root, reason="needs root"),
              pytest.mark.skipif(bool(missing), reason=f"not installed: {missing}")]


@pytest.fixture(params=["crun", "runc"])
def w(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    with world(tmp_path, "test0000life", request.param) as made:
        yield made
    assert made.traces() == []


def test_a_container_runs_and_its_exit_code_and_output_are_kept(w: World) -> None:
    """The log has both streams in conmon's form, the exit code is the process's."""
    ended = w.finish("a", w.start("a", "sh", "-c", "echo out; echo err >&2; exit 3"))
    assert (ended.code, ended.oom_killed) == (3, False)
    log = w.places.container("a").log.read_text()
    assert " stdout F out\n" in log and " stderr F err\n" in log


def test_create_waits_for_start(w: World) -> None:
    """A created container has a process, which runs nothing of the image before `start`; then its holder outlives the starter's call."""
    created = w.create("a", "sh", "-c", "echo begun; sleep 100")
    assert w.runtime.alive(created.process) and w.runtime.alive(created.holder)
    assert w.log("a") == ""
    w.runtime.start("a", w.oci)
    eventually(lambda: w.log("a") == "begun")
    assert w.runtime.executable(created.process).startswith("/bin/busybox ")


def test_a_signal_ends_as_128_and_its_number(w: World) -> None:
    """`signal` reaches PID 1; a container ended by a signal has 128 + N as its exit code."""
    created = w.start("a", "sh", "-c", "trap 'exit 9' USR1; echo ready; while :; do sleep 0.05; done")
    eventually(lambda: w.log("a") == "ready")
    w.runtime.signal(created.process, "SIGUSR1")
    assert w.finish("a", created).code == 9
    second = w.start("b", "sleep", "100")
    w.runtime.kill("b", w.oci, second.process)
    assert w.finish("b", second).code == 137
    assert not w.runtime.alive(second.process)
    w.runtime.signal(second.process, "TERM")  # nobody there any more: no error


def test_the_same_container_starts_again(w: World) -> None:
    """After `delete` the same id is created anew, and what it wrote is still there."""
    w.output("a", "touch", "/kept")
    w.runtime.delete("a", w.oci)
    ended = w.finish("a", w.start("a", "sh", "-c", "test -f /kept && exit 7"))
    assert ended.code == 7


def test_standard_input_comes_through_the_attach_socket(w: World) -> None:
    """What is sent is stdin, shutting down the sending side is its end; without stdin asked for, it is empty."""
    created = w.start("a", "sh", "-c", "cat; echo end", stdin=True)
    with w.runtime.attach("a") as connection:
        connection.settimeout(10)
        connection.send(b"hello\n")
        assert connection.recv(100) == b"\x02hello\n"
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b"\x02end\n"
    assert w.finish("a", created).code == 0
    assert wait_for_end(created.holder.pid, 10), "conmon stays"
    assert w.finish("b", w.start("b", "cat")).code == 0


def test_a_terminal_is_given(w: World) -> None:
    """With tty the process has a terminal, TERM, and its output arrives in the log."""
    assert w.output("a", "sh", "-c", "test -t 0 && test -t 1 && echo $TERM", tty=True).strip() == "xterm"


def test_exec_passes_code_user_environment_and_directory(w: World) -> None:
    """exec has the container's environment and what it adds, looks users up in the container, and ends with the command's code."""
    w.start("a", "sleep", "100", environment={"ONE": "1"})
    done = w.exec("a", "sh", "-c", "echo $ONE $TWO $HOME; id; pwd; exit 9", user="web", environment={"TWO": "2 3"}, working_dir="/tmp")
    assert done.stdout.splitlines() == ["1 2 3 /var/www", "uid=33(web) gid=44(web) groups=8(mail),44(web)", "/tmp"], done
    assert done.returncode == 9
    assert w.exec("a", "sh", "-c", "id -u; hostname; grep Seccomp: /proc/self/status").stdout.split() == ["0", "box", "Seccomp:", "2"]
    assert w.exec("a", "nonesuch").returncode != 0
    bounding = w.exec("a", "grep", "CapBnd", "/proc/self/status", privileged=True).stdout.split()[1]
    assert bounding == Path("/proc/self/status").read_text().partition("CapBnd:")[2].split()[0]
    with pytest.raises(ContainerError, match="no user 'nobody'"):
        w.exec("a", "true", user="nobody")


def test_exec_is_in_the_containers_group(w: World) -> None:
    """What exec runs counts against the container's limits."""
    w.start("a", "sleep", "100")
    pids = w.runtime.groups.layout.controller("pids") or w.runtime.groups.layout.unified
    assert pids is not None
    procs = pids / w.runtime.groups.path_of("a").lstrip("/") / "cgroup.procs"
    before = len(procs.read_text().split())
    child = os.posix_spawn(w.runtime.exec_argv("a", w.oci, ["sleep", "100"])[0], w.runtime.exec_argv("a", w.oci, ["sleep", "100"]), {})
    try:
        eventually(lambda: len(procs.read_text().split()) == before + 1)
        kill_tree(child)
        eventually(lambda: len(procs.read_text().split()) == before)
    finally:
        os.waitpid(child, 0)


def test_delete_ends_what_still_runs_and_leaves_nothing(w: World) -> None:
    """Processes, cgroups, mounts, state and conmon are gone after delete, also of a container that was never started."""
    created = w.start("a", "sh", "-c", "sleep 100 & sleep 100")
    waiting = w.create("b", "true")
    assert w.traces()
    w.runtime.delete("a", w.oci)
    w.runtime.delete("b", w.oci)
    assert w.traces() == []
    assert not any(map(w.runtime.alive, (created.process, created.holder, waiting.process, waiting.holder)))
    w.runtime.delete("a", w.oci)  # once more: content


def test_nothing_shows_in_the_hosts_mount_table(w: World) -> None:
    """The overlay is mounted in the container's namespace alone."""
    w.start("a", "sleep", "100")
    assert str(w.folder) not in Path("/proc/self/mountinfo").read_text()


def test_a_killed_holder_takes_the_exit_code_with_it(w: World) -> None:
    """Without conmon the container runs on, and nobody can tell how it ended; the answer comes at once, not after the patience."""
    created = w.start("a", "sh", "-c", "sleep 0.2; exit 3")
    os.kill(created.holder.pid, signal.SIGKILL)
    assert wait_for_end(created.process.pid, 10)
    assert w.runtime.ended("a", patience=100).code is None


def test_a_failed_create_leaves_nothing(w: World) -> None:
    """The OCI runtime's own words are the error, and no file, group, mount or process stays behind."""
    with pytest.raises(ContainerError, match=r"nonesuch.*not found"):
        w.create("a", "nonesuch")
    assert w.traces() == []
    assert not w.places.container("a").config.exists()


def test_a_failed_preparation_leaves_nothing_and_is_told_as_it_is(w: World) -> None:
    """An error of `prepare` comes through unchanged."""
    class Refused(Exception):
        pass

    def prepare() -> None:
        raise Refused

    with pytest.raises(Refused):
        w.runtime.create(w.spec("a", ["true"]), prepare)  # type: ignore[arg-type]
    assert w.traces() == []


def test_a_half_made_container_is_removed(w: World) -> None:
    """A runtime killed in mid-create leaves a state folder without `status` and empty groups; delete removes both."""
    w.ids.append("a")
    (w.places.oci / "a").mkdir(parents=True)
    for top in w.runtime.groups.layout.hierarchies:
        (top / w.runtime.groups.path_of("a").lstrip("/")).mkdir(parents=True)
    assert w.traces()
    w.runtime.delete("a", w.oci)
    assert w.traces() == []


def test_a_frozen_container_is_killed(w: World) -> None:
    """kill thaws first: a frozen group ignores SIGKILL on v1."""
    created = w.start("a", "sleep", "100")
    words = {"freezer.state": "FROZEN", "cgroup.freeze": "1"}
    file = next(folder / name for folder in w.runtime.groups.folders_of("a") for name in words if (folder / name).exists())
    file.write_text(words[file.name])
    w.runtime.kill("a", w.oci, created.process)
    assert not w.runtime.alive(created.process)


def test_listeners_are_seen_from_outside(w: World) -> None:
    """A listener on all addresses is seen by its port, one on loopback is not."""
    created = w.create("a", "sh", "-c", "nc -l -p 8080 & busybox httpd -p 127.0.0.1:9090; sleep 100")
    subprocess.run(["nsenter", f"--net=/proc/{created.process.pid}/ns/net", "ip", "link", "set", "lo", "up"], check=True)
    w.runtime.start("a", w.oci)
    eventually(lambda: w.runtime.listening(created.process))
    eventually(lambda: ":2382 " in Path(f"/proc/{created.process.pid}/net/tcp").read_text())
    assert w.runtime.listening(created.process) == {8080}
    w.runtime.delete("a", w.oci)
    assert w.runtime.listening(created.process) == frozenset()


def test_another_program_shows(w: World) -> None:
    """`executable` changes with execve, also when the same program is executed again."""
    created = w.start("a", "sh", "-c", "trap 'exec sh -c \"echo second; sleep 100\"' USR1; echo first; while :; do sleep 0.05; done")
    eventually(lambda: w.log("a") == "first")
    first = w.runtime.executable(created.process)
    assert w.runtime.executable(created.process) == first
    w.runtime.signal(created.process, "USR1")
    eventually(lambda: "second" in w.log("a"))
    assert w.runtime.executable(created.process) not in ("", first)
