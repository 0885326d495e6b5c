"""Commands about the machine and about the command line itself: doctor, completion, a docker-compose command."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from composer.cli.globals import Globals
from composer.cli.options import Toggle

if TYPE_CHECKING:
    from composer.commands.doctor import Finding

MARKS = {"ok": "ok", "missing": "MISSING", "advice": "advice", "untried": "untried"}


@click.command(cls=Toggle)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.pass_obj
def doctor(_globals: Globals, /, form: str) -> int:
    """Say what this machine lacks for composer, and how to mend it; exit code 1 when something needed is missing."""
    from composer.commands.doctor import doctor as do
    from composer.commands.doctor import healthy
    from composer.store import Places

    found = []
    for one in do(Places.default()):
        found.append(one)
        if form == "table":
            click.echo(_line(one))
    if form == "json":
        click.echo(json.dumps([asdict(one) for one in found]))
    return 0 if healthy(found) else 1


def _line(one: Finding) -> str:
    mend = f"\n{'':9}mend: {one.mend}" if one.mend else ""
    detail = f": {one.detail}" if one.detail else ""
    return f"{MARKS[one.state]:<8} {one.subject}{detail}{mend}"


@click.command(cls=Toggle)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, /, shell: str) -> int:
    """Print the completion script of a shell, for example for `source <(composer completion bash)`."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    # Not `source()`: for bash that starts bash to look at its version.
    script = kind(context.find_root().command, {}, "composer", "_COMPOSER_COMPLETE")
    click.echo(script.source_template % script.source_vars())
    return 0


@click.command("install-docker-compose", cls=Toggle)
@click.option("--to", "folder", type=click.Path(file_okay=False, path_type=Path), default=Path("/usr/local/bin"), show_default=True)
@click.option("-f", "--force", is_flag=True, help="Replace a docker-compose that is not composer's.")
def install_docker_compose(folder: Path, force: bool) -> int:
    """Make a `docker-compose` command that is composer, for tools that call it by that name."""
    from composer.commands.alias import install

    click.echo(install(folder, force=force))
    return 0


@click.command("install-unit", cls=Toggle)
@click.option("--print", "only_print", is_flag=True, help="Print the unit and touch nothing.")
@click.option("--remove", is_flag=True, help="Take the unit away.")
def install_unit(only_print: bool, remove: bool) -> int:
    """Have systemd bring projects back after a reboot, as their restart policies say."""
    from composer.commands import unit
    from composer.store import Places

    if only_print:
        click.echo(unit.text(Places.default(), os.environ), nl=False)
    elif remove:
        click.echo(unit.remove() or "there is no unit of composer's")
    else:
        click.echo(unit.install(Places.default(), os.environ))
    return 0


COMMANDS = (doctor, completion, install_docker_compose, install_unit)
