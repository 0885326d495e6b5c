"""Commands that run something of the user's in a container."""

from __future__ import annotations

import os
import shlex
import sys
from typing import Any

import click

from composer.cli.globals import Globals
from composer.errors import UsageError

PASS_ON = {"ignore_unknown_options": True, "allow_interspersed_args": False}


@click.command("exec", context_settings=PASS_ON)
@click.option("-d", "--detach", is_flag=True, help="Leave the command running in the background.")
@click.option("-T", "--no-tty", is_flag=True, help="Without a terminal; that is so anyway when stdin or stdout is none.")
@click.option("-i", "--interactive", is_flag=True, hidden=True)
@click.option("-t", "--tty", is_flag=True, hidden=True)
@click.option("-u", "--user", default="", help="User (name or id, with :group).")
@click.option("-w", "--workdir", default="", help="Working directory.")
@click.option("-e", "--env", "variables", multiple=True, metavar="KEY=VALUE", help="Environment variable; KEY alone takes the caller's.")
@click.option("--privileged", is_flag=True, help="With all capabilities.")
@click.option("--index", type=int, default=0, help="Number of the container, when a service has several.")
@click.argument("service")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_obj
def exec_(globals_: Globals, /, service: str, command: tuple[str, ...], **chosen: Any) -> int:
    """Run a command in a running container."""
    from composer.commands.exec import ExecRequest
    from composer.commands.exec import exec_ as do

    request = ExecRequest(
        service,
        command,
        index=chosen["index"],
        user=chosen["user"],
        working_dir=chosen["workdir"],
        environment=variables(chosen["variables"]),
        privileged=chosen["privileged"],
        tty=not chosen["no_tty"] and on_terminal(),
        detach=chosen["detach"],
    )
    return do(globals_.session(), request)


@click.command(context_settings=PASS_ON)
@click.option("--rm", "remove", is_flag=True, help="Remove the container when it ends.")
@click.option("-T", "--no-tty", is_flag=True, help="Without a terminal.")
@click.option("-d", "--detach", is_flag=True, help="Leave it running in the background and print its name.")
@click.option("--name", default="", help="Name of the container.")
@click.option("--entrypoint", help="Entrypoint instead of the image's.")
@click.option("-e", "--env", "variables", multiple=True, metavar="KEY=VALUE", help="Environment variable; KEY alone takes the caller's.")
@click.option("-u", "--user", default="", help="User (name or id, with :group).")
@click.option("-w", "--workdir", default="", help="Working directory.")
@click.option("-l", "--label", "labels", multiple=True, metavar="KEY=VALUE", help="Label.")
@click.option("--no-deps", is_flag=True, help="Do not start what the service depends on.")
@click.option("--build", is_flag=True, help="Build the image first.")
@click.argument("service")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def run(globals_: Globals, /, service: str, command: tuple[str, ...], **chosen: Any) -> int:
    """Run a one-off container of a service."""
    from composer.commands.run import RunRequest
    from composer.commands.run import run as do

    entrypoint = None if chosen["entrypoint"] is None else tuple(shlex.split(chosen["entrypoint"]))
    labels = dict(label.partition("=")[::2] for label in chosen["labels"])
    request = RunRequest(
        service,
        command,
        chosen["name"],
        entrypoint,
        variables(chosen["variables"]),
        chosen["user"],
        chosen["workdir"],
        labels,
        not chosen["no_deps"],
        chosen["remove"],
        chosen["detach"],
        chosen["build"],
    )
    return do(globals_.session(), request)


def on_terminal() -> bool:
    """Whether a container's terminal can be shown on the caller's."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def variables(given: tuple[str, ...]) -> dict[str, str]:
    """KEY=VALUE as it is; KEY alone as the caller has it, left out when the caller has none."""
    found: dict[str, str] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not key:
            raise UsageError(f"-e {text}: no name before =")
        if equals:
            found[key] = value
        elif key in os.environ:
            found[key] = os.environ[key]
    return found


COMMANDS = (exec_, run)
