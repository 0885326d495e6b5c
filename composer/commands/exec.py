"""`composer exec`: the OCI runtime's exec in our place, so that descriptors, terminal and exit code are the process's own."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from composer.commands import terminal
from composer.commands.find import running
from composer.commands.session import Session
from composer.commands.terminal import as_found, set_size
from composer.process import foreground, spawn
from composer.procfs import descendants

#: As shells have it (POSIX, "Exit Status for Commands"): it cannot be executed; it is not there.
NOT_EXECUTABLE, NOT_FOUND = 126, 127


@dataclass(frozen=True, slots=True)
class ExecRequest:
    service: str
    command: tuple[str, ...]
    index: int = 0
    user: str = ""
    working_dir: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    privileged: bool = False
    tty: bool = False
    detach: bool = False


def exec_(session: Session, request: ExecRequest) -> int:
    """The command's exit code, 0 when it is left in the background; 127 or 126 when it could not be started, which the runtime says."""
    from composer.supervisor.drivers import open_host

    container = running(session, request.service, request.index)
    _, places = session.identity()
    argv = open_host(places).runtime.exec_argv(
        container.id,
        container.runtime,
        request.command,
        user=request.user,
        environment=request.environment,
        working_dir=request.working_dir,
        privileged=request.privileged,
        tty=request.tty and not request.detach,
        detach=request.detach,
    )
    code, said = _logged(argv, _in_background if request.detach else partial(foreground, on_resize=_resize if request.tty else None))
    if not said:
        return code
    if request.detach:  # in the foreground the runtime has said it itself
        session.audience.warn(said.strip())
    return failure(said)


def _logged(argv: list[str], start: Callable[..., int]) -> tuple[int, str]:
    """The exit code, and the runtime's words: it ends with 255 for its own failures too, so its log tells them from a command's 255."""
    log = os.memfd_create("log")
    try:
        with as_found():
            code = start([argv[0], f"--log=/proc/self/fd/{log}", *argv[1:]], pass_fds=[log])
        return code, os.pread(log, 1 << 16, 0).decode(errors="replace") if code else ""
    finally:
        os.close(log)


def _resize(runtime: int) -> None:
    """crun 1.8 gives the terminal that it makes our size at the start only. The process inside has it as one of its streams."""
    size = terminal.size()
    for pid in reversed(descendants(runtime)):
        if size and set_size(f"/proc/{pid}/fd/0", *size):
            return


def _in_background(argv: list[str], *, pass_fds: Sequence[int]) -> int:
    return spawn(argv, pass_fds=pass_fds).wait()


def failure(said: str) -> int:
    """The exit code for a command that the OCI runtime could not start, from its words."""
    gone = "not found" in said or "No such file" in said or "no such file" in said
    return NOT_FOUND if gone else NOT_EXECUTABLE
