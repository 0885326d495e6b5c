"""The global options, and the session that a command gets from them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from composer.cli.printer import Ends, Printer
from composer.store import Places

if TYPE_CHECKING:
    from composer.commands.profile import Recorder
    from composer.commands.session import Session
    from composer.load import LoadOptions
    from composer.supervisor.guard import Launcher


def _working_folder() -> str:
    """The current folder by the name that the shell knows it by, which a symbolic link may be part of."""
    logical = os.environ.get("PWD", "")
    return logical if os.path.isabs(logical) and os.path.isdir(logical) and os.path.samefile(logical, ".") else os.getcwd()


def _environ() -> dict[str, str]:
    """The variables that the command was given: without the LC_CTYPE that Python sets where there is no locale (PEP 538)."""
    environ = dict(os.environ)
    if environ.get("LC_CTYPE") == "C.UTF-8" and b"\0LC_CTYPE=" not in b"\0" + Path("/proc/self/environ").read_bytes():
        del environ["LC_CTYPE"]
    return environ


@dataclass(slots=True)
class Globals:
    """click's context object."""

    launcher: Launcher | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def session(
        self, *, prefix: bool = True, timestamps: bool = False, color: bool = True, ends: Ends = "none", quiet: bool = False,
        hushed: frozenset[str] = frozenset(), profile: bool = False,
    ) -> Session:
        """`prefix`, `timestamps`, `color` are about log lines; `ends`: which ends of containers are news; `quiet`: no progress;
        `hushed`: builds or pulls of which only the end is shown; `profile`: the end of the command says where the time went."""
        from composer.commands.session import Session

        progress = "quiet" if quiet else self.options["progress"]
        printer = Printer(progress, self.options["ansi"], prefix=prefix, timestamps=timestamps, color=color, ends=ends, hushed=hushed)
        recorder = _recorder(printer, as_json=progress == "json") if profile else None
        return Session(
            self.loading(), Places.default(), recorder or printer, self.launcher, recorder,
            rehearse=_print if self.options["dry_run"] else None, parallel=max(self.options["parallel"], 0),
        )

    def loading(self) -> LoadOptions:
        """What the options say about the compose files."""
        from composer.load import LoadOptions

        chosen = self.options
        environ = {**_environ(), **({"COMPOSE_COMPATIBILITY": "true"} if chosen["compatibility"] else {})}
        return LoadOptions(
            files=chosen["files"],
            project_name=chosen["project_name"],
            project_directory=chosen["project_directory"],
            env_files=chosen["env_files"],
            profiles=chosen["profiles"],
            environ=environ,
            cwd=_working_folder(),
            stdin=sys.stdin.read,
            all_resources=chosen["all_resources"],
        )


def _print(text: str) -> None:
    print(text)


def _recorder(printer: Printer, *, as_json: bool) -> Recorder:
    from composer.cli.phases import show, show_json
    from composer.commands.profile import Recorder, process_begun

    return Recorder(printer, show_json if as_json else show, process_begun())
