"""`composer build`."""

from __future__ import annotations

import json
from typing import Any

import click

from composer.cli.globals import Globals
from composer.cli.options import SERVICES, Toggle
from composer.errors import UsageError

#: Options of docker compose's that change nothing here, and why; who gives them is told.
WITHOUT_EFFECT = {
    "builder": "there is only buildah",
    "compress": "a build reads its context where it is: nothing is sent",
    "no_rm": "containers in which steps ran are always removed",
    "provenance": "buildah attests nothing",
    "sbom": "buildah attests nothing",
}


def _bytes(_context: click.Context, _option: click.Parameter, value: str | None) -> int | None:
    from composer.load.quantities import size

    try:
        return size(value) if value is not None else None
    except ValueError as wrong:
        raise UsageError(f"--memory {value}: {wrong}", hint="for example 512m") from wrong


@click.command(cls=Toggle)
@click.option("--no-cache", is_flag=True, help="Build every step anew.")
@click.option("--pull", is_flag=True, help="Look for newer base images.")
@click.option("--push", is_flag=True, help="Push the images to their registries when all are built.")
@click.option("--build-arg", "build_args", multiple=True, metavar="KEY=VALUE", help="Set a build argument.")
@click.option("--with-dependencies", is_flag=True, help="Also the images of what the services named depend on.")
@click.option("--ssh", multiple=True, metavar="default|ID[=PATH]", help="SSH agent or key for RUN, instead of the recipes' own.")
@click.option("-m", "--memory", callback=_bytes, metavar="BYTES", help="Memory that RUN may use at most: 512m, 2g.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress and no output of builds.")
@click.option("--print", "only_print", is_flag=True, help="Print the recipes as a file for docker buildx bake, and build nothing.")
@click.option("--check", is_flag=True, help="Refused: buildah cannot check a Dockerfile without building it.")
@click.option("--builder", metavar="NAME", help="Without effect: there is only buildah.")
@click.option("--provenance", metavar="KIND", help="Without effect: buildah attests nothing.")
@click.option("--sbom", metavar="KIND", help="Without effect: buildah attests nothing.")
@click.option("--progress", type=click.Choice(["auto", "tty", "plain", "json", "quiet"]), hidden=True, help="As the global option.")
@click.option("--compress", is_flag=True, hidden=True, help="Without effect: nothing is sent.")
@click.option("--no-rm", is_flag=True, hidden=True, help="Without effect: containers in which steps ran are always removed.")
@click.option("--force-rm", is_flag=True, expose_value=False, hidden=True, help="That is so anyway.")
@click.option("--parallel", is_flag=True, expose_value=False, hidden=True, help="That is so anyway.")
@SERVICES
@click.pass_obj
def build(globals_: Globals, /, services: tuple[str, ...], **chosen: Any) -> int:
    """Build the images of services that have a recipe."""
    from composer.commands.bake import bake
    from composer.commands.build import BuildRequest
    from composer.commands.build import build as do

    if chosen["check"]:
        raise UsageError("--check: buildah cannot check a Dockerfile without building it", hint="composer build names what fails")
    globals_.options["progress"] = chosen["progress"] or globals_.options["progress"]
    session = globals_.session(quiet=chosen["quiet"])
    for name, why in WITHOUT_EFFECT.items():
        if chosen[name] and chosen[name] != "false":
            session.audience.warn(f"--{name.replace('_', '-')} has no effect: {why}")
    request = BuildRequest(
        services, chosen["no_cache"], chosen["pull"], chosen["push"], chosen["with_dependencies"],
        chosen["build_args"], chosen["ssh"], chosen["memory"],
    )
    if chosen["only_print"]:
        click.echo(json.dumps(bake(session, request), indent=2))
        return 0
    return do(session, request)


COMMANDS = (build,)
