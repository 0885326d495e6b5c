"""Commands for containers that are there: a signal, the freezer, their removal."""

from __future__ import annotations

import click

from composer.cli.globals import Globals
from composer.cli.options import SERVICES, Toggle
from composer.errors import UsageError


@click.command(cls=Toggle)
@click.option("-s", "--signal", default="SIGKILL", show_default=True, help="Signal to send: SIGHUP, HUP, 1, RTMIN+3.")
@click.option("--remove-orphans", is_flag=True, help="Remove containers of services that the file does not name.")
@SERVICES
@click.pass_obj
def kill(globals_: Globals, /, services: tuple[str, ...], signal: str, remove_orphans: bool) -> int:
    """Send a signal to containers, without waiting for anything."""
    from composer.commands.kill import KillRequest
    from composer.commands.kill import kill as do

    return do(globals_.session(), KillRequest(services, signal, remove_orphans))


@click.command(cls=Toggle)
@click.option("-f", "--force", is_flag=True, help="Do not ask.")
@click.option("-s", "--stop", is_flag=True, help="Stop the containers first; without it, what runs stays.")
@click.option("-v", "--volumes", is_flag=True, help="Remove their anonymous volumes, too.")
@click.option("-a", "--all", "everything", is_flag=True, hidden=True)
@SERVICES
@click.pass_obj
def rm(globals_: Globals, /, services: tuple[str, ...], force: bool, stop: bool, volumes: bool, everything: bool) -> int:  # noqa: ARG001
    """Remove containers that do not run; one-off containers, too, when no service is named."""
    from composer.commands.rm import RemoveRequest
    from composer.commands.rm import rm as do

    return do(globals_.session(), RemoveRequest(services, stop, volumes), _agreed if not force else lambda _names: True)


def _agreed(names: list[str]) -> bool:
    click.echo(f"Going to remove {', '.join(names)}", err=True)
    try:
        return click.confirm("Are you sure?", err=True)
    except click.Abort as silent:
        raise UsageError("nobody said yes: nothing was removed", hint="composer rm -f does not ask") from silent


@click.command(cls=Toggle)
@SERVICES
@click.pass_obj
def pause(globals_: Globals, /, services: tuple[str, ...]) -> int:
    """Freeze all processes of containers."""
    from composer.commands.pause import pause as do

    return do(globals_.session(), services)


@click.command(cls=Toggle)
@SERVICES
@click.pass_obj
def unpause(globals_: Globals, /, services: tuple[str, ...]) -> int:
    """Let frozen containers go on."""
    from composer.commands.pause import unpause as do

    return do(globals_.session(), services)


COMMANDS = (kill, rm, pause, unpause)
