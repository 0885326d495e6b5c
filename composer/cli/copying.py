"""Commands that take files into containers and out of them, and containers into the image store."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from composer.cli.globals import Globals
from composer.cli.options import SERVICE, Toggle
from composer.errors import UsageError


@click.command(cls=Toggle)
@click.option("-a", "--archive", is_flag=True, help="Keep owner and group.")
@click.option("-L", "--follow-link", is_flag=True, help="Copy what a symbolic link in SOURCE points to.")
@click.option("--index", type=int, default=0, help="Number of the container, when a service has several.")
@click.option("--all", "oneoffs", is_flag=True, help="Also into one-off containers of the service.")
@click.argument("source")
@click.argument("destination")
@click.pass_obj
def cp(globals_: Globals, /, source: str, destination: str, **options: Any) -> int:
    """Copy files into or out of containers: SERVICE:PATH on one side, a path on the other, or - for a tar stream."""
    from composer.commands.cp import CopyRequest
    from composer.commands.cp import cp as do

    (here, path_here), (there, path_there) = _side(source), _side(destination)
    if bool(here) == bool(there):
        raise UsageError("one of SOURCE and DESTINATION is SERVICE:PATH, the other a path or -", hint="composer cp web:/etc/hosts .")
    into = bool(there)
    request = CopyRequest(
        there or here,
        path_there if into else path_here,
        path_here if into else path_there,
        into,
        archive=options["archive"],
        follow=options["follow_link"],
        index=options["index"],
        oneoffs=options["oneoffs"],
    )
    if request.outside == "-" and (sys.stdin if into else sys.stdout).isatty():
        raise UsageError("a tar stream is nothing for a terminal", hint="use a pipe or a file")
    return do(globals_.session(), request, (sys.stdin.buffer, sys.stdout.buffer))


def _side(text: str) -> tuple[str, str]:
    """Service and path; a path with a colon is written ./a:b or absolute, as docker cp has it."""
    service, colon, path = text.partition(":")
    if not colon or "/" in service or service in ("", "."):
        return "", text
    return service, path


@click.command(cls=Toggle)
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Write to a file instead of standard output.")
@click.option("--index", type=int, default=0, help="Number of the container, when a service has several.")
@SERVICE
@click.pass_obj
def export(globals_: Globals, /, service: str, output: str | None, index: int) -> int:
    """Write a container's file system as a tar archive."""
    from composer.commands.caller import hand_over
    from composer.commands.cp import export as do

    session = globals_.session()
    if output is None:
        if sys.stdout.isatty():
            raise UsageError("a tar stream is nothing for a terminal", hint="use -o FILE, or a pipe")
        return do(session, service, index, sys.stdout.buffer)
    with open(output, "wb") as file:
        hand_over(output, os.environ)
        return do(session, service, index, file)


@click.command(cls=Toggle)
@click.option("-a", "--author", default="", help="Who made it: NAME <ADDRESS>.")
@click.option("-c", "--change", "changes", multiple=True, metavar="INSTRUCTION", help="Line of a Dockerfile: CMD, ENV and the like.")
@click.option("-m", "--message", default="", help="What it is about.")
@click.option("-p/ ", "--pause/--no-pause", default=True, help="Freeze the container's processes while its files are read.")
@click.option("--index", type=int, default=0, help="Number of the container, when a service has several.")
@SERVICE
@click.argument("name", default="", metavar="[REPOSITORY[:TAG]]")
@click.pass_obj
def commit(globals_: Globals, /, service: str, name: str, **chosen: Any) -> int:
    """Make an image of a container, with its files and settings; prints the image's id."""
    from composer.commands.commit import CommitRequest
    from composer.commands.commit import commit as do
    from composer.images.commit import Wishes

    wishes = Wishes(name, chosen["author"], chosen["message"], chosen["changes"])
    click.echo(f"sha256:{do(globals_.session(), CommitRequest(service, wishes, chosen['index'], chosen['pause']))}")
    return 0


COMMANDS = (cp, export, commit)
