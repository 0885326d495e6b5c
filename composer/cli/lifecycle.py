"""Commands that bring containers up and take them down."""

from __future__ import annotations

from typing import Any

import click

from composer.cli.globals import Globals
from composer.errors import UsageError

SERVICES = click.argument("services", nargs=-1)
TIMEOUT = click.option("-t", "--timeout", type=float, help="Seconds to wait for containers to stop, instead of each service's own.")


@click.command()
@click.option("-d", "--detach", is_flag=True, help="Leave the containers running in the background.")
@click.option("--build", is_flag=True, help="Build images before starting containers.")
@click.option("--no-build", is_flag=True, help="Do not build an image, even when it is missing.")
@click.option("--wait", is_flag=True, help="Wait until services are running or healthy; implies -d.")
@click.option("--wait-timeout", type=click.FloatRange(min=0), help="Seconds to wait at most.")
@click.option("--dry-run", is_flag=True, help="Print the plan and do nothing.")
@click.option("--force-recreate", is_flag=True, help="Recreate containers that are as they should be, too.")
@click.option("--no-recreate", is_flag=True, help="Leave containers alone that differ from the file.")
@click.option("--no-deps", is_flag=True, help="Do not start what the services depend on.")
@click.option("--no-start", is_flag=True, help="Create containers and do not start them.")
@click.option("-V", "--renew-anon-volumes", is_flag=True, help="New anonymous volumes instead of the old containers' ones.")
@click.option("--scale", "scales", multiple=True, metavar="SERVICE=N", help="Number of containers of a service.")
@click.option("--remove-orphans", is_flag=True, help="Remove containers of services that the file does not name.")
@click.option("--no-log-prefix", is_flag=True, help="Log lines without the container's name.")
@click.option("--timestamps", is_flag=True, help="Log lines with their time.")
@click.option("--no-color", is_flag=True, help="Log lines without colour.")
@TIMEOUT
@SERVICES
@click.pass_obj
def up(globals_: Globals, /, services: tuple[str, ...], **chosen: Any) -> int:
    """Create and start containers, in the order of their dependencies."""
    from composer.commands.up import UpRequest, dry_run
    from composer.commands.up import up as do

    _check_up(chosen)
    options, attached = _up_options(services, chosen), not (chosen["detach"] or chosen["wait"] or chosen["no_start"])
    session = globals_.session(
        prefix=not chosen["no_log_prefix"],
        timestamps=chosen["timestamps"],
        color=not chosen["no_color"],
        ends="all" if attached else "failed",
    )
    if chosen["dry_run"]:
        plan = dry_run(session, options)
        for warning in plan.warnings:
            session.audience.warn(warning)
        click.echo(str(plan) or "nothing to do")
        return 0
    return do(session, UpRequest(options, attached))


def _check_up(chosen: dict[str, Any]) -> None:
    for one, other in (("build", "no_build"), ("force_recreate", "no_recreate"), ("renew_anon_volumes", "no_recreate")):
        if chosen[one] and chosen[other]:
            raise UsageError(f"--{one.replace('_', '-')} and --{other.replace('_', '-')} do not go together")
    if chosen["wait_timeout"] is not None and not chosen["wait"]:
        raise UsageError("--wait-timeout goes with --wait")


def _up_options(services: tuple[str, ...], chosen: dict[str, Any]) -> Any:
    from composer.plan.options import UpOptions

    return UpOptions(
        services=services,
        recreate="always" if chosen["force_recreate"] else "never" if chosen["no_recreate"] else "changed",
        start=not chosen["no_start"],
        wait=chosen["wait"],
        build=chosen["build"],
        no_build=chosen["no_build"],
        dependencies=not chosen["no_deps"],
        scale=dict(map(_scale, chosen["scales"])),
        remove_orphans=chosen["remove_orphans"],
        renew_anonymous=chosen["renew_anon_volumes"],
        timeout=chosen["timeout"],
        wait_timeout=chosen["wait_timeout"] or None,
    )


def _scale(text: str) -> tuple[str, int]:
    service, _, number = text.partition("=")
    if not service or not number.isdecimal():
        raise UsageError(f"--scale {text}: not SERVICE=N", hint="for example --scale web=3")
    return service, int(number)


@click.command()
@click.option("-v", "--volumes", is_flag=True, help="Remove the project's volumes, with what they hold.")
@click.option("--remove-orphans", is_flag=True, help="Remove containers of services that the file does not name.")
@click.option("--rmi", "images", type=click.Choice(["local", "all"]), help="Remove images: those without a name of their own, or all.")
@TIMEOUT
@SERVICES
@click.pass_obj
def down(globals_: Globals, /, services: tuple[str, ...], volumes: bool, remove_orphans: bool, images: Any, timeout: float | None) -> int:
    """Stop and remove containers and networks."""
    from composer.commands.down import down as do
    from composer.plan.options import DownOptions

    return do(globals_.session(), DownOptions(services, volumes, remove_orphans, timeout, images or ""))


@click.command()
@TIMEOUT
@SERVICES
@click.pass_obj
def stop(globals_: Globals, /, services: tuple[str, ...], timeout: float | None) -> int:
    """Stop containers, dependents first."""
    from composer.commands.containers import stop as do

    return do(globals_.session(), services, timeout)


@click.command()
@SERVICES
@click.pass_obj
def start(globals_: Globals, /, services: tuple[str, ...]) -> int:
    """Start containers that are there."""
    from composer.commands.containers import start as do

    return do(globals_.session(), services)


@click.command()
@TIMEOUT
@SERVICES
@click.pass_obj
def restart(globals_: Globals, /, services: tuple[str, ...], timeout: float | None) -> int:
    """Restart containers as they are."""
    from composer.commands.containers import restart as do

    return do(globals_.session(), services, timeout)


@click.command()
@click.option("--no-cache", is_flag=True, help="Build every step anew.")
@click.option("--pull", is_flag=True, help="Look for newer base images.")
@click.option("--build-arg", "build_args", multiple=True, metavar="KEY=VALUE", help="Set a build argument.")
@SERVICES
@click.pass_obj
def build(globals_: Globals, /, services: tuple[str, ...], no_cache: bool, pull: bool, build_args: tuple[str, ...]) -> int:
    """Build the images of services that have a recipe."""
    from composer.commands.containers import BuildRequest
    from composer.commands.containers import build as do

    return do(globals_.session(), BuildRequest(services, no_cache, pull, tuple(build_args)))


COMMANDS = (up, down, stop, start, restart, build)
