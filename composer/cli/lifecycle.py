"""Commands about what is there: take it down, stop, start, restart."""

from __future__ import annotations

from typing import Any

import click

from composer.cli.globals import Globals
from composer.cli.options import PROFILE, REMOVE_ORPHANS, SERVICES, TIMEOUT, Toggle
from composer.errors import UsageError


@click.command(cls=Toggle)
@click.option("-v", "--volumes", is_flag=True, help="Remove the project's volumes, with what they hold.")
@REMOVE_ORPHANS
@click.option("--rmi", "images", type=click.Choice(["local", "all"]), help="Remove images: those without a name of their own, or all.")
@PROFILE
@TIMEOUT
@SERVICES
@click.pass_obj
def down(globals_: Globals, /, services: tuple[str, ...], **chosen: Any) -> int:
    """Stop and remove containers and networks."""
    from composer.commands.down import down as do
    from composer.plan.options import DownOptions

    options = DownOptions(services, chosen["volumes"], chosen["remove_orphans"], chosen["timeout"], chosen["images"] or "")
    return do(globals_.session(profile=chosen["profile_phases"]), options)


@click.command(cls=Toggle)
@TIMEOUT
@SERVICES
@click.pass_obj
def stop(globals_: Globals, /, services: tuple[str, ...], timeout: float | None) -> int:
    """Stop containers, dependents first."""
    from composer.commands.containers import stop as do

    return do(globals_.session(), services, timeout)


@click.command(cls=Toggle)
@click.option("--wait", is_flag=True, help="Wait until services are running or healthy.")
@click.option("--wait-timeout", type=click.FloatRange(min=0), help="Seconds to wait at most.")
@SERVICES
@click.pass_obj
def start(globals_: Globals, /, services: tuple[str, ...], wait: bool, wait_timeout: float | None) -> int:
    """Start containers that are there."""
    from composer.commands.containers import start as do

    if wait_timeout is not None and not wait:
        raise UsageError("--wait-timeout goes with --wait")
    return do(globals_.session(), services, wait=wait, wait_timeout=wait_timeout or None)


@click.command(cls=Toggle)
@click.option("--no-deps", is_flag=True, help="Without the services that ask to be restarted with these.")
@TIMEOUT
@SERVICES
@click.pass_obj
def restart(globals_: Globals, /, services: tuple[str, ...], timeout: float | None, no_deps: bool) -> int:
    """Restart containers as they are."""
    from composer.commands.containers import restart as do

    return do(globals_.session(), services, timeout, alone=no_deps)


@click.command(cls=Toggle)
@click.option("-a", "--all", "everything", is_flag=True, help="All projects of this machine.")
@click.pass_obj
def resume(globals_: Globals, /, everything: bool) -> int:
    """Start again what the machine's going down has ended, as restart policies say."""
    from composer.commands.resume import resume as do

    return do(globals_.session(), everything=everything)


COMMANDS = (down, stop, start, restart, resume)
