"""Commands that look and change nothing."""

from __future__ import annotations

import json
import os
import platform
import time
from typing import Any

import click

import composer
from composer.cli.globals import Globals
from composer.cli.looking import FORMAT, show
from composer.cli.options import SERVICE, SERVICES, Toggle, moment
from composer.errors import UsageError

#: Docker's states of a container; some of them no container of ours is ever in.
STATES = ("paused", "restarting", "removing", "running", "dead", "created", "exited")


@click.command(cls=Toggle)
@click.option("-a", "--all", "everything", is_flag=True, help="Also containers that do not run.")
@click.option("-q", "--quiet", is_flag=True, help="Only ids.")
@click.option("--services", "names_only", is_flag=True, help="Only the names of services.")
@click.option("--status", "states", multiple=True, type=click.Choice(STATES), help="Only containers in this state.")
@click.option("--filter", "filters", multiple=True, metavar="status=STATE", help="Only containers in this state.")
@click.option("--orphans/--no-orphans", default=True, help="Also containers of services that the file does not name.")
@FORMAT
@click.option("--no-trunc", is_flag=True, help="Do not shorten.")
@SERVICES
@click.pass_obj
def ps(globals_: Globals, /, services: tuple[str, ...], **chosen: Any) -> int:
    """List containers."""
    from composer.cli.listing import as_json, as_row, as_table, headings
    from composer.commands.ps import ps as do

    session = globals_.session()
    states = frozenset((*chosen["states"], *map(_state, chosen["filters"])))
    listing = do(session, services, everything=chosen["everything"], states=states, orphans=chosen["orphans"])
    if not listing.supervised:
        session.audience.warn(
            "unsupervised: no restarts, health checks or names until the next command that needs the supervisor starts it"
        )
    shorten, form = not chosen["no_trunc"], chosen["form"]
    if chosen["quiet"]:
        click.echo("".join(f"{one.id}\n" for one in listing.containers), nl=False)
    elif chosen["names_only"]:
        click.echo("".join(f"{name}\n" for name in dict.fromkeys(one.service for one in listing.containers)), nl=False)
    elif form == "json":
        click.echo("".join(f"{json.dumps(as_json(one, listing.project, listing.networks))}\n" for one in listing.containers), nl=False)
    elif form == "table":
        click.echo(as_table(listing.containers, shorten=shorten))
    else:
        show([as_row(one, listing.project, listing.networks, shorten=shorten) for one in listing.containers], form, headings())
    return 0


def _state(text: str) -> str:
    key, _, value = text.partition("=")
    if key != "status" or value not in STATES:
        raise UsageError(f"--filter {text}: only status=STATE is known", hint=f"states: {', '.join(STATES)}")
    return value


@click.command(cls=Toggle)
@click.option("-f", "--follow", is_flag=True, help="Go on with what is written from now on.")
@click.option("-n", "--tail", default="all", metavar="N", help="Only the last N lines of each container, or all.")
@click.option("--since", metavar="TIME", help="Only from this time on: 2026-01-31T13:00:00Z, or 10m for ten minutes ago.")
@click.option("--until", metavar="TIME", help="Only up to this time.")
@click.option("--index", type=int, default=0, help="Number of the container, when a service has several.")
@click.option("-t", "--timestamps", is_flag=True, help="With the time of each line.")
@click.option("--no-log-prefix", is_flag=True, help="Without the container's name.")
@click.option("--no-color", is_flag=True, help="Without colour.")
@click.option("--supervisor", is_flag=True, help="What the project's supervisor has done, instead: its own log.")
@SERVICES
@click.pass_obj
def logs(globals_: Globals, /, services: tuple[str, ...], **chosen: Any) -> int:
    """Show what containers wrote."""
    from composer.commands.logs import LogRequest
    from composer.commands.logs import logs as do

    tail = chosen["tail"]
    if tail != "all" and not tail.isdecimal():
        raise click.BadParameter(f"--tail {tail}: a number, or all")
    if chosen["index"] and len(services) != 1:
        raise UsageError("--index goes with one service")
    since, until = (moment(chosen[key], time.time()) if chosen[key] else None for key in ("since", "until"))
    lines = None if tail == "all" else int(tail)
    if chosen["supervisor"]:
        return _journal(globals_, services, chosen, lines)
    session = globals_.session(prefix=not chosen["no_log_prefix"], timestamps=chosen["timestamps"], color=not chosen["no_color"])
    request = LogRequest(services, chosen["follow"], lines, since, until, chosen["index"])
    return do(session, request)


def _journal(globals_: Globals, services: tuple[str, ...], chosen: dict[str, Any], tail: int | None) -> int:
    from composer.commands.journal import journal

    others = [name for name in ("since", "until", "index", "timestamps") if chosen[name]]
    if services or others:
        raise UsageError(f"--supervisor does not go with {'services' if services else f'--{others[0]}'}", hint="only with -f and -n")
    return journal(globals_.session(), click.echo, follow=chosen["follow"], tail=tail)


@click.command(cls=Toggle)
@click.option("--protocol", type=click.Choice(["tcp", "udp"]), default="tcp", show_default=True)
@click.option("--index", type=int, default=0, help="Number of the container, when a service has several.")
@SERVICE
@click.argument("private_port", type=int)
@click.pass_obj
def port(globals_: Globals, /, service: str, private_port: int, protocol: str, index: int) -> int:
    """Print where a container's port is published."""
    from composer.commands.port import port as do

    click.echo(do(globals_.session(), service, private_port, protocol=protocol, index=index))
    return 0


@click.command(cls=Toggle)
@click.option("--format", "form", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True)
@click.option("-q", "--quiet", is_flag=True, help="Only check.")
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Write to a file.")
@click.option("--services", "listed", flag_value="services", help="Only the names of services.")
@click.option("--volumes", "listed", flag_value="volumes", help="Only the names of volumes.")
@click.option("--networks", "listed", flag_value="networks", help="Only the names of networks.")
@click.option("--models", "listed", flag_value="models", help="Only the names of models.")
@click.option("--profiles", "listed", flag_value="profiles", help="Only the names of profiles.")
@click.option("--images", "listed", flag_value="images", help="Only the names of images.")
@click.option("--variables", "listed", flag_value="variables", help="The variables that the files name, with their defaults.")
@click.option("--environment", "listed", flag_value="environment", help="What variables hold.")
@click.option("--hash", "hashed", metavar="SERVICES", help="Hashes of services (with commas, or *): what tells that one has changed.")
@click.option("--explain", "explained", metavar="PATH", help="Who set a value (services.web.image) or a variable, and which won.")
@click.option("--resolve-image-digests", "digests", is_flag=True, help="Images with the digests that their names lead to now.")
@click.option("--lock-image-digests", "lock", is_flag=True, help="Only the images with their digests, as a file to merge over the others.")
@click.option("--no-interpolate", is_flag=True, help="Leave variables as they are.")
@click.option("--no-normalize", is_flag=True, help="Without names, default network and implied dependencies.")
@click.option("--no-path-resolution", is_flag=True, help="Leave paths as they are.")
@click.option("--no-env-resolution", is_flag=True, help="Do not read env files.")
@click.option("--no-consistency", is_flag=True, help="Do not check references.")
@SERVICES
@click.pass_obj
def config(globals_: Globals, /, services: tuple[str, ...], quiet: bool, output: str | None, **chosen: Any) -> int:
    """Print the compose files as composer understands them."""
    from composer.commands.caller import hand_over
    from composer.commands.config import ConfigRequest
    from composer.commands.config import config as do

    without = {name: value for name, value in chosen.items() if name.startswith("no_")}
    asked = {name: value for name, value in chosen.items() if name not in without and value is not None}
    text = do(globals_.session(), ConfigRequest(services, without=without, **asked))
    if output:
        with open(output, "w") as file:
            file.write(text)
        hand_over(output, os.environ)
    elif not quiet:
        click.echo(text, nl=False)
    return 0


@click.command(cls=Toggle)
@click.option("-f", "--format", "form", type=click.Choice(["pretty", "json"]), default="pretty")
@click.option("--short", is_flag=True, help="Only the number.")
def version(form: str, short: bool) -> int:
    """Print composer's version."""
    if short:
        click.echo(composer.__version__)
    elif form == "json":
        click.echo(json.dumps({"version": composer.__version__}))
    else:
        click.echo(f"composer version {composer.__version__} (Python {platform.python_version()})")
    return 0


COMMANDS = (ps, logs, port, config, version)
