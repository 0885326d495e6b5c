"""conmon holds a container: its stdio, log, exit code, attach socket and mount namespace. One a container, in the starter's cgroup.

conmon forks into the background and calls `RUNTIME create` itself; what came of it arrives as a line of JSON on a pipe
whose number is in _OCI_SYNCPIPE: `{"data": PID}`, or -1 and the runtime's own words.
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from composer import process
from composer.errors import ContainerError
from composer.observed import Process
from composer.runtime import signals
from composer.runtime.programs import program
from composer.store import ContainerPlaces

#: How long `RUNTIME create` may take, in seconds; a bind on a network file system can be slow.
PATIENCE = 120.0

#: What conmon and `RUNTIME create` leave in the bundle folder.
HOLDER_PID, CONTAINER_PID = "conmon.pid", "container.pid"
LEFT_BEHIND = (HOLDER_PID, CONTAINER_PID, "ctl", "winsz", "attach", "oom")


@dataclass(frozen=True, slots=True)
class Holding:
    """What conmon is asked to hold; `stdin`: keep it open for the attach socket, `lasting`: also when who was attached has gone; `tty`: on
    a terminal of its own."""

    place: ContainerPlaces
    name: str
    runtime: str  # path
    stdin: bool = False
    lasting: bool = False
    tty: bool = False
    log: bool = True


def arguments(holding: Holding) -> list[str]:
    """The command line (conmon(8)). conmon's own log limit is never used: it truncates."""
    place = holding.place
    project = place.project
    log = f"k8s-file:{place.log}" if holding.log else "none"
    return [
        program("conmon"), "--api-version", "1", "-c", place.id, "-n", holding.name, "-u", place.id, "-b", str(place.folder),
        "-r", holding.runtime, "--runtime-arg", f"--root={project.oci}",
        "-p", str(place.folder / CONTAINER_PID), "-P", str(place.folder / HOLDER_PID), "-l", log, "--no-sync-log",
        "--exit-dir", str(project.exits), "--socket-dir-path", str(project.attach),
        *(["-i"] if holding.stdin else []), *(["--leave-stdin-open"] if holding.lasting else []), *(["-t"] if holding.tty else []),
    ]


def start(holding: Holding) -> int:
    """Start conmon in the calling thread's namespaces and wait for its `RUNTIME create`; the pid of the container's PID 1."""
    for name in LEFT_BEHIND:
        (holding.place.folder / name).unlink(missing_ok=True)
    reading, writing = os.pipe2(os.O_CLOEXEC)
    try:
        try:
            # Its working folder is the bundle: it leaves a file named `oom` there when the container is killed for memory.
            process.run(arguments(holding), env={"_OCI_SYNCPIPE": str(writing)}, cwd=str(holding.place.folder), pass_fds=[writing],
                        error=ContainerError)
        finally:
            os.close(writing)
        return _pid_in(_read(reading, PATIENCE))
    finally:
        os.close(reading)


def holder(place: ContainerPlaces) -> Process | None:
    """The container's conmon, while it lives; its command line names the container, so that a later process is not mistaken for it."""
    with suppress(OSError, ValueError):
        found = signals.identify(int((place.folder / HOLDER_PID).read_text()))
        if found and place.id.encode() in Path(f"/proc/{found.pid}/cmdline").read_bytes().split(b"\0"):
            return found
    return None


def await_end(place: ContainerPlaces, patience: float) -> bool:
    """Wait for the end of the container's conmon; whether there is none any more."""
    found = holder(place)
    return found is None or signals.wait_for_end(found.pid, patience)


def end(place: ContainerPlaces, patience: float) -> None:
    """Wait for conmon to end by itself, as it does after its container, then kill it."""
    if await_end(place, patience):
        return
    if found := holder(place):
        signals.send(found, signal.SIGKILL)
        signals.wait_for_end(found.pid, patience)


def clean(place: ContainerPlaces) -> None:
    """Remove conmon's files."""
    for name in LEFT_BEHIND:
        (place.folder / name).unlink(missing_ok=True)
    (place.project.exits / place.id).unlink(missing_ok=True)
    (place.project.attach / place.id).unlink(missing_ok=True)


def attach(place: ContainerPlaces) -> socket.socket:
    """A connection to the container's stdio: what is sent becomes stdin (after shutdown(SHUT_WR) it is at its end); each packet that
    comes is one byte, 2 for stdout or 3 for stderr, and data."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
    try:
        folder = os.open(place.folder, os.O_PATH | os.O_CLOEXEC)
        try:
            # Through the descriptor: the path itself may be longer than the 107 bytes of a socket address.
            connection.connect(f"/proc/self/fd/{folder}/attach")
        finally:
            os.close(folder)
    except OSError as refused:
        connection.close()
        raise ContainerError(f"container {place.id[:12]} cannot be attached to: {refused.strerror}") from refused
    return connection


def resize(place: ContainerPlaces, rows: int, columns: int) -> None:
    """Set the size of the container's terminal. A container that has ended has none."""
    with suppress(OSError):
        control = os.open(place.folder / "ctl", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            os.write(control, f"1 {rows} {columns}\n".encode())
        finally:
            os.close(control)


def _read(descriptor: int, patience: float) -> bytes:
    """Everything up to the end of a line, or of the pipe: when conmon dies without a word."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    deadline = time.monotonic() + patience
    data = b""
    while not data.endswith(b"\n"):
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise ContainerError(f"the OCI runtime did not create the container in {patience:.0f} s")
        part = os.read(descriptor, 65536)
        if not part:
            break
        data += part
    return data


def _pid_in(said: bytes) -> int:
    try:
        answer = json.loads(said)
    except ValueError as silent:
        raise ContainerError("conmon ended before the container was created") from silent
    if answer["data"] > 0:
        return int(answer["data"])
    raise ContainerError(own_words(answer.get("message", "")))


def own_words(text: str) -> str:
    """The last thing that an OCI runtime said, without time, level and quoting."""
    lines: Sequence[str] = text.strip().splitlines()
    if not lines:
        return "the OCI runtime failed without a message"
    match = re.search(r'msg="((?:[^"\\]|\\.)*)"', lines[-1])
    return match[1].replace('\\"', '"') if match else lines[-1]
