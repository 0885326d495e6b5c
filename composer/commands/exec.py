"""`composer exec`: becomes the OCI runtime's exec, so descriptors and exit code are the process's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn

from composer.commands.find import running
from composer.commands.session import Session
from composer.process import replace


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


def exec_(session: Session, request: ExecRequest) -> NoReturn:
    """Does not return."""
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
        tty=request.tty,
    )
    replace(argv)
    raise AssertionError("exec returned")
