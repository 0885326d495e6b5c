"""`composer`, and `python -m composer`. Before anything else: the launcher is forked for the commands that may need a supervisor."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from typing import NoReturn

#: Commands that hand work to the supervisor from the start. Others fork it when they find that they need one.
SUPERVISED = frozenset({"up", "run", "build", "pull", "push", "create", "scale", "watch"})
#: Global options that take a value (docker compose's), so that the command's name can be found behind them.
TAKE_VALUE = frozenset(
    {
        "-f", "--file", "-p", "--project-name", "--project-directory", "--env-file", "--profile", "--progress", "--ansi", "--parallel",
        "--workdir", "--insecure-registry",
    }
)
#: Variables that choose a project.
CHOOSE = ("COMPOSE_FILE", "COMPOSE_PROJECT_NAME")


def command_at(argv: list[str]) -> int:
    """Where the command is in a command line; its length when there is none."""
    skip = False
    for index, word in enumerate(argv):
        if skip:
            skip = False
        elif word in TAKE_VALUE:
            skip = True
        elif not word.startswith("-"):
            return index
    return len(argv)


def called(options: list[str]) -> str:
    """From where and with what the command line chooses its project."""
    try:
        here = os.getcwd()
    except FileNotFoundError:  # it was removed
        return ""
    return "\n".join((here, *options, *(os.environ.get(name, "") for name in CHOOSE)))


def main() -> None:
    gc.disable()  # a command is too short for it to pay
    launcher = None
    at = command_at(argv := sys.argv[1:])
    if SUPERVISED & set(argv[at : at + 1]) and os.geteuid() == 0 and not {"--dry-run", "--help", "-h"} & set(argv):
        from composer.supervisor.guard import launch

        launcher = launch(called(argv[:at]))
    from composer.cli.main import run

    leave(run(argv, launcher))


def leave(code: int) -> NoReturn:
    """End without taking the interpreter apart, which is a fifth of a short command's time."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # nobody reads it any more
            code = code or 1
    os._exit(code)


if __name__ == "__main__":
    main()
