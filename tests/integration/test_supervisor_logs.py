"""Following logs on a real file system, written by the test and by a real conmon."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from inotify_simple import Event, flags

from composer.supervisor.follow import Follower
from composer.supervisor.logs import LogLine, read
from tests.eventually import eventually

STAMP = "2026-01-01T00:00:00.000000000+00:00 stdout F"


@pytest.fixture
def containers(tmp_path: Path) -> Path:
    folder = tmp_path / "containers"
    folder.mkdir()
    return folder


@pytest.fixture
def follower(containers: Path) -> Iterator[Follower]:
    follower = Follower(containers)
    yield follower
    follower.close()


def container(containers: Path, name: str, *texts: str) -> Path:
    (containers / name).mkdir()
    append(containers / name / "container.log", *texts)
    return containers / name / "container.log"


def append(log: Path, *texts: str) -> None:
    with log.open("a") as file:
        file.write("".join(f"{STAMP} {text}\n" for text in texts))


def woken(follower: Follower, seconds: float) -> bool:
    return bool(select.select([follower], [], [], seconds)[0])


def collect(follower: Follower, count: int) -> list[tuple[str, str]]:
    """Waits by select alone until there are so many lines."""
    seen: list[tuple[str, str]] = []
    deadline = time.monotonic() + 20
    while len(seen) < count:
        assert woken(follower, deadline - time.monotonic()), f"not woken any more after {len(seen)} of {count} lines"
        seen += [(name, line.text) for name, line in follower.read()]
    return seen


def test_backlog_and_new_lines_are_one_sequence(containers: Path, follower: Follower) -> None:
    """What `follow` says ends exactly where `read` begins."""
    log = container(containers, "a", "one", "two", "three")
    assert [line.text for line in follower.follow(log, tail=2)] == ["two", "three"]
    append(log, "four")
    append(log, "five")
    assert collect(follower, 2) == [("a", "four"), ("a", "five")]
    assert list(follower.read()) == []


def test_nothing_new_wakes_nobody(containers: Path, follower: Follower) -> None:
    """After all has been read the descriptor is quiet."""
    log = container(containers, "a", "one")
    list(follower.follow(log))
    append(log, "two")
    collect(follower, 1)
    assert not woken(follower, 0)


def test_containers_that_appear_are_followed_from_their_beginning(containers: Path, follower: Follower) -> None:
    """Also when folder, log and lines are there before anybody looks; two of them are told apart."""
    container(containers, "b", "first of b")
    container(containers, "c", "first of c")
    assert sorted(collect(follower, 2)) == [("b", "first of b"), ("c", "first of c")]
    append(containers / "b" / "container.log", "second of b")
    assert collect(follower, 1) == [("b", "second of b")]


def test_a_container_whose_log_comes_later(containers: Path, follower: Follower) -> None:
    """The folder is watched before there is a log."""
    (containers / "a").mkdir()
    assert list(follower.read()) == []
    append(containers / "a" / "container.log", "one")
    assert collect(follower, 1) == [("a", "one")]


def test_containers_from_before_are_the_callers_to_choose(containers: Path) -> None:
    """Those that were there already are followed only when asked for, and no more when forgotten."""
    old, other = container(containers, "old", "1"), container(containers, "other", "1")
    follower = Follower(containers)
    try:
        list(follower.follow(old))
        append(other, "2")
        append(old, "2")
        assert collect(follower, 1) == [("old", "2")]
        follower.forget("old")
        append(old, "3")
        assert not woken(follower, 0) or list(follower.read()) == []
    finally:
        follower.close()


def test_removed_containers_have_their_last_lines_read(containers: Path, follower: Follower) -> None:
    """A container that ends and is removed at once loses nothing; then nothing of it is kept open."""
    log = container(containers, "a", "one")
    list(follower.follow(log))
    append(log, "last words")
    shutil.rmtree(containers / "a")
    assert collect(follower, 1) == [("a", "last words")]
    assert not [descriptor for descriptor in os.listdir("/proc/self/fd") if _target(descriptor).startswith(str(log))]
    assert list(follower.read()) == []
    assert list(follower.follow(log)) == []


def _target(descriptor: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        return ""


def test_rotation_loses_and_doubles_nothing(containers: Path, follower: Follower) -> None:
    """A writer that rotates as conmon does, in the middle of its work, as fast as it can."""
    folder = containers / "a"
    folder.mkdir()
    log, total = folder / "container.log", 20000

    def write() -> None:
        file = log.open("a")
        for number in range(total):
            file.write(f"{STAMP} line {number}\n")
            if number % 900 == 899:
                for old in range(30, 0, -1):
                    if (older := folder / f"container.log.{old}").exists():
                        older.rename(folder / f"container.log.{old + 1}")
                log.rename(folder / "container.log.1")
                file.write(f"{STAMP} after the rename {number}\n")
                file.close()
                file = (folder / "container.log.tmp").open("w")
                (folder / "container.log.tmp").rename(log)
        file.close()

    expected = []
    for number in range(total):
        expected += [f"line {number}"] + ([f"after the rename {number}"] if number % 900 == 899 else [])
    writer = threading.Thread(target=write)
    writer.start()
    seen = collect(follower, len(expected))
    writer.join()
    assert [text for _, text in seen] == expected
    assert [line.text for line in read(log)] == expected
    assert list(follower.read()) == []


def test_a_lost_event_queue_loses_no_line(containers: Path, follower: Follower, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the kernel drops events, every log is looked at and arrivals are looked for."""
    log = container(containers, "a", "one")
    list(follower.follow(log))
    append(log, "two")
    container(containers, "b", "first")
    assert woken(follower, 5)
    follower._inotify.read(timeout=0)
    monkeypatch.setattr(follower, "_inotify", _Overflown(follower._inotify, Event(-1, flags.Q_OVERFLOW, 0, "")))
    assert sorted((name, line.text) for name, line in follower.read()) == [("a", "two"), ("b", "first")]


class _Overflown:
    """The real inotify, whose next reading is one event of our own."""

    def __init__(self, real: object, event: object) -> None:
        self._real, self._event = real, event

    def read(self, timeout: int) -> list[object]:
        assert timeout == 0
        return [self._event]

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)


RUNTIME = """#!/bin/sh
# A runtime that conmon believes: `create` starts the writer and says its pid.
while [ $# -gt 0 ]; do
    case $1 in --pid-file) pidfile=$2; shift ;; esac
    shift
done
{python} -c '
import sys, time
for number in range({total}):
    print("line", number, flush=number % 7 == 0)
    if number % 500 == 0: time.sleep(0.01)
' &
echo -n $! > "$pidfile"
"""


@pytest.mark.skipif(shutil.which("conmon") is None, reason="needs conmon")
def test_a_real_conmon_that_is_told_to_reopen(containers: Path, follower: Follower) -> None:
    """Rename, then `2 0 0` to ctl, again and again while it writes: the follower and a later reader have every line once."""
    total, id_ = 20000, "a" * 12
    folder = containers / id_
    folder.mkdir()
    (folder / "runtime").write_text(RUNTIME.format(python=sys.executable, total=total))
    (folder / "runtime").chmod(0o755)
    log, pidfile = folder / "container.log", folder / "conmon.pid"
    argv = ["conmon", "-c", id_, "-u", id_, "-n", "logs-test", "-r", str(folder / "runtime"), "-b", str(folder), "-p", str(folder / "pid"),
            "-P", str(pidfile), "-l", f"k8s-file:{log}", "--exit-dir", str(folder), "--socket-dir-path", str(folder)]
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20)
    records: list[LogLine] = []
    seen: list[str] = []
    rotations = 0
    deadline = time.monotonic() + 30
    while len(seen) < total:
        assert woken(follower, deadline - time.monotonic()), f"not woken any more after {len(seen)} of {total} lines"
        records += [line for name, line in follower.read() if name == id_]
        seen = joined(records)
        if len(seen) > (rotations + 1) * 1500 and log.exists():
            rotate(log)
            rotations += 1
    assert seen == [f"line {number}" for number in range(total)]
    assert rotations >= 3
    assert list(read(log)) == records
    eventually(lambda: (folder / id_).exists() and not Path(f"/proc/{pidfile.read_text().strip()}").exists())


def joined(records: list[LogLine]) -> list[str]:
    """The lines as they were written: conmon ends a record where its reading of the pipe ended."""
    return "".join(line.text + ("" if line.partial else "\n") for line in records).split("\n")[:-1]


def rotate(log: Path) -> None:
    for number in range(30, 0, -1):
        if (older := log.with_name(f"{log.name}.{number}")).exists():
            older.rename(log.with_name(f"{log.name}.{number + 1}"))
    log.rename(log.with_name(f"{log.name}.1"))
    with (log.parent / "ctl").open("w") as ctl:
        ctl.write("2 0 0\n")
