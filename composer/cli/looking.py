"""Commands that show what there is: projects, images, volumes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from composer.cli.globals import Globals
from composer.cli.options import SERVICES, Toggle
from composer.cli.table import Row, by_template, by_template_table, decimal, table

if TYPE_CHECKING:
    from composer.commands.images import UsedImage
    from composer.commands.volumes import ListedVolume

FORMAT = click.option("--format", "form", default="table", show_default=True, help="table, json, or a template like '{{.Name}}'.")
TABLE_OR_JSON = click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)


@click.command(cls=Toggle)
@click.option("-a", "--all", "everything", is_flag=True, help="Also projects of which nothing runs.")
@click.option("--filter", "filters", multiple=True, metavar="name=REGEX", help="Only projects of such a name.")
@click.option("-q", "--quiet", is_flag=True, help="Only names.")
@TABLE_OR_JSON
@click.pass_obj
def ls(globals_: Globals, /, everything: bool, filters: tuple[str, ...], quiet: bool, form: str) -> int:
    """List the projects of this machine."""
    from composer.commands.ls import ls as do

    found = do(globals_.session().places, everything=everything, filters=filters)
    if quiet:
        click.echo("".join(f"{one.name}\n" for one in found), nl=False)
    elif form == "json":
        click.echo(json.dumps([{"Name": one.name, "Status": one.status, "ConfigFiles": one.config_files} for one in found]))
    else:
        click.echo(table(("NAME", "STATUS", "CONFIG FILES"), [(one.name, one.status, one.config_files) for one in found]))
    return 0


@click.command(cls=Toggle)
@click.option("-q", "--quiet", is_flag=True, help="Only ids.")
@TABLE_OR_JSON
@SERVICES
@click.pass_obj
def images(globals_: Globals, /, services: tuple[str, ...], quiet: bool, form: str) -> int:
    """List the images of the project's containers."""
    from composer.commands.images import images as do

    found = do(globals_.session(), services)
    if quiet:
        click.echo("".join(f"{id_}\n" for id_ in dict.fromkeys(one.container.image_id for one in found)), nl=False)
    elif form == "json":
        click.echo(json.dumps([_image(one) for one in found]))
    else:
        headings = ("CONTAINER", "REPOSITORY", "TAG", "PLATFORM", "IMAGE ID", "SIZE", "CREATED")
        click.echo(table(headings, [_image_row(one) for one in found]))
    return 0


def _image(one: UsedImage) -> dict[str, Any]:
    repository, tag = _familiar(one.container.image)
    row: dict[str, Any] = {
        "ID": f"sha256:{one.container.image_id}",
        "ContainerName": one.container.name,
        "Repository": repository,
        "Tag": tag,
        "Platform": one.image.platform if one.image else "",
        "Size": one.image.size if one.image else 0,
    }
    if one.image and one.image.created:
        row["Created"] = datetime.fromtimestamp(one.image.created, UTC).isoformat().replace("+00:00", "Z")
    return row


def _image_row(one: UsedImage) -> tuple[str, ...]:
    from composer.cli.printer import ago

    repository, tag = _familiar(one.container.image)
    if one.image is None:
        return one.container.name, repository, tag, "", one.container.image_id[:12], "", "not in the store"
    created = f"{ago(one.image.created)} ago" if one.image.created else "N/A"
    return one.container.name, repository, tag, one.image.platform, one.container.image_id[:12], decimal(one.image.size), created


def _familiar(reference: str) -> tuple[str, str]:
    """Repository and tag as Docker shows them: without what is the default anyway."""
    from composer.images.reference import full_id, parse

    if full_id(reference):
        return "<none>", "<none>"
    named = parse(reference)
    repository = named.repository.removeprefix("docker.io/").removeprefix("library/")
    return repository, named.tag or "<none>"


@click.command(cls=Toggle)
@click.option("-q", "--quiet", is_flag=True, help="Only names.")
@FORMAT
@SERVICES
@click.pass_obj
def volumes(globals_: Globals, /, services: tuple[str, ...], quiet: bool, form: str) -> int:
    """List the project's volumes."""
    from composer.commands.volumes import volumes as do

    found = [_volume(one) for one in do(globals_.session(), services)]
    if quiet:
        click.echo("".join(f"{one['Name']}\n" for one in found), nl=False)
    else:
        show(found, form, {"Driver": "DRIVER", "Name": "VOLUME NAME"})
    return 0


def _volume(one: ListedVolume) -> dict[str, str]:
    """One object of `volumes --format json`, with Docker's keys."""
    labels = ",".join(f"{key}={value}" for key, value in one.state.labels.items())
    unknown = dict.fromkeys(("Availability", "Group", "Links", "Size", "Status"), "N/A")
    return {**unknown, "Driver": "local", "Labels": labels, "Mountpoint": str(one.mountpoint), "Name": one.state.name, "Scope": "local"}


def show(rows: Sequence[Row], form: str, headings: Row) -> None:
    """As the user wants it: a table of the fields in `headings`, a JSON object a line, or a template for each row."""
    if form in ("", "table"):
        click.echo(table([str(heading) for heading in headings.values()], [[str(row[key]) for key in headings] for row in rows]))
    elif form == "json":
        click.echo("".join(f"{json.dumps(row)}\n" for row in rows), nl=False)
    elif form.startswith("table"):
        click.echo(by_template_table(form, rows, {**{key: key.upper() for row in rows for key in row}, **headings}))
    else:
        click.echo(by_template(form, rows), nl=False)


COMMANDS = (ls, images, volumes)
