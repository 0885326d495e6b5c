"""Commands that follow the files of the host: `watch`."""

from __future__ import annotations

import click

from composer.cli.globals import Globals
from composer.cli.options import POLL, SERVICES, Toggle


@click.command(cls=Toggle)
@click.option("--no-up", is_flag=True, help="Do not build and start services first.")
@click.option("--prune/--no-prune", default=True, help="Remove images that a rebuild has replaced.")
@click.option("--quiet", is_flag=True, help="Do not show the output of builds.")
@POLL
@SERVICES
@click.pass_obj
def watch(globals_: Globals, /, services: tuple[str, ...], no_up: bool, prune: bool, quiet: bool, poll: float) -> int:
    """Bring changes of files to the containers, as the services' `develop.watch` says, until Ctrl-C."""
    from composer.commands.up import WatchRequest
    from composer.commands.watch import watch as do

    hushed = frozenset({"build"}) if quiet else frozenset()
    return do(globals_.session(ends="failed", hushed=hushed), WatchRequest(services, not no_up, prune, poll))


COMMANDS = (watch,)
