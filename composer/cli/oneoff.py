"""Commands that run something of the user's in a container."""

from __future__ import annotations

import os
import shlex
import sys
from typing import Any

import click

from composer.cli.globals import Globals
from composer.cli.options import PULL, QUIET_BUILD, QUIET_PULL, SERVICE, Toggle, hushed
from composer.errors import UsageError

ENDS_WITH_SERVICE = {"allow_interspersed_args": False}


@click.command("exec", cls=Toggle, context_settings=ENDS_WITH_SERVICE)
@click.option("-d", "--detach", is_flag=True, help="Leave the command running in the background.")
@click.option("-T", "--no-tty", "--no-TTY", is_flag=True, help="Without a terminal; that is so anyway when stdin or stdout is none.")
@click.option("-i", "--interactive", is_flag=True, hidden=True, help="That is so anyway.")
@click.option("-t", "--tty", is_flag=True, hidden=True, help="That is so anyway on a terminal.")
@click.option("-u", "--user", default="", help="User (name or id, with :group).")
@click.option("-w", "--workdir", default="", help="Working directory.")
@click.option("-e", "--env", "variables", multiple=True, metavar="KEY=VALUE", help="Environment variable; KEY alone takes the caller's.")
@click.option("--privileged", is_flag=True, help="With all capabilities.")
@click.option("--index", type=int, default=0, help="Number of the container, when a service has several.")
@SERVICE
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


@click.command(cls=Toggle, context_settings=ENDS_WITH_SERVICE)
@click.option("--rm", "remove", is_flag=True, help="Remove the container when it ends.")
@click.option("-T", "--no-tty", "--no-TTY", is_flag=True, help="Without a terminal; that is so anyway when stdin or stdout is none.")
@click.option("-t", "--tty", is_flag=True, hidden=True, help="That is so anyway on a terminal.")
@click.option("-i/ ", "--interactive/--no-interactive", default=True, help="Pass standard input on.")
@click.option("-d", "--detach", is_flag=True, help="Leave it running in the background and print its name.")
@click.option("--name", default="", help="Name of the container.")
@click.option("--entrypoint", help="Entrypoint instead of the image's.")
@click.option("-e", "--env", "variables", multiple=True, metavar="KEY=VALUE", help="Environment variable; KEY alone takes the caller's.")
@click.option("--env-from-file", "env_files", multiple=True, type=click.Path(), help="File with environment variables.")
@click.option("-u", "--user", default="", help="User (name or id, with :group).")
@click.option("-w", "--workdir", default="", help="Working directory.")
@click.option("-l", "--label", "labels", multiple=True, metavar="KEY=VALUE", help="Label.")
@click.option("-v", "--volume", "mounts", multiple=True, metavar="[SOURCE:]TARGET[:OPTIONS]", help="Mount, beside the service's own.")
@click.option("-p", "--publish", "ports", multiple=True, metavar="[HOST:]PORT", help="Publish a port.")
@click.option("-P", "--service-ports", is_flag=True, help="Publish the service's ports.")
@click.option("--use-aliases", "aliases", is_flag=True, help="Answer to the service's name and aliases.")
@click.option("--cap-add", multiple=True, help="Capability to add.")
@click.option("--cap-drop", multiple=True, help="Capability to drop.")
@click.option("--no-deps", is_flag=True, help="Do not start what the service depends on.")
@click.option("--remove-orphans", is_flag=True, help="Remove containers of services that the file does not name.")
@click.option("--build", is_flag=True, help="Build the image first.")
@PULL
@click.option("-q", "--quiet", is_flag=True, help="Print nothing of composer's own.")
@QUIET_BUILD
@QUIET_PULL
@SERVICE
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def run(globals_: Globals, /, service: str, command: tuple[str, ...], **chosen: Any) -> int:
    """Run a one-off container of a service."""
    from composer.commands.run import RunRequest
    from composer.commands.run import run as do
    from composer.plan.options import UpOptions

    if chosen["ports"] and chosen["service_ports"]:
        raise UsageError("--publish and --service-ports do not go together")
    request = RunRequest(
        service,
        _changes(command, chosen),
        UpOptions(build=chosen["build"], pull=chosen["pull"], remove_orphans=chosen["remove_orphans"]),
        name=chosen["name"],
        dependencies=not chosen["no_deps"],
        remove=chosen["remove"],
        detach=chosen["detach"],
        stdin=chosen["interactive"],
        quiet=chosen["quiet"],
    )
    return do(globals_.session(quiet=chosen["quiet"], hushed=hushed(chosen)), request)


def _changes(command: tuple[str, ...], chosen: dict[str, Any]) -> Any:
    from composer.commands.oneoff import Changes
    from composer.load import dotenv

    taken = ("user", "cap_add", "cap_drop", "ports", "service_ports", "mounts", "aliases")
    return Changes(
        command,
        None if chosen["entrypoint"] is None else tuple(shlex.split(chosen["entrypoint"])),
        {**dotenv.read_all(chosen["env_files"], os.environ), **variables(chosen["variables"])},
        working_dir=chosen["workdir"],
        labels=dict(label.partition("=")[::2] for label in chosen["labels"]),
        tty=not chosen["no_tty"] and not chosen["detach"] and chosen["interactive"] and on_terminal(),
        **{key: chosen[key] for key in taken},
    )


@click.command(cls=Toggle)
@click.option("--index", type=int, default=0, help="Number of the container, when a service has several.")
@click.option("--detach-keys", default="ctrl-p,ctrl-q", show_default=True, help="Keys that leave the container alone.")
@click.option("--no-stdin", is_flag=True, help="Do not pass standard input on.")
@click.option("--sig-proxy/--no-sig-proxy", default=True, help="Pass signals on to the container's process.")
@SERVICE
@click.pass_obj
def attach(globals_: Globals, /, service: str, index: int, detach_keys: str, no_stdin: bool, sig_proxy: bool) -> int:
    """Show what a running container writes from now on, and pass standard input on to it."""
    from composer.commands.attach import AttachRequest
    from composer.commands.attach import attach as do

    return do(globals_.session(), AttachRequest(service, index, detach_keys, not no_stdin, sig_proxy))


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


COMMANDS = (exec_, run, attach)
