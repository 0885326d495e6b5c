"""`composer network` and `composer volume`: docker's commands of the same names, for what projects name as external."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import click

from composer.cli.completing import network_names, volume_names
from composer.cli.described import inspected_network, inspected_volume, network_facts, network_row, volume_facts, volume_row
from composer.cli.globals import Globals
from composer.cli.looking import show
from composer.cli.options import Toggle
from composer.cli.table import by_template
from composer.errors import AbsentError, ComposerError, UsageError

LABELS = click.option("--label", "labels", multiple=True, metavar="KEY=VALUE", help="A label.")
OPTIONS = click.option("-o", "--opt", "options", multiple=True, metavar="KEY=VALUE", help="An option of the driver.")
QUIET = click.option("-q", "--quiet", is_flag=True, help="Only ids, or names of volumes.")
FILTER = click.option("-f", "--filter", "filters", multiple=True, metavar="KEY=VALUE", help="name=, label=, id=, driver=, dangling=true.")
FORMAT = click.option("--format", "form", default="table", help="table, json, or a template like '{{.Name}}'.")
INSPECT = click.option("-f", "--format", "form", default="json", help="json, or a template like '{{.Name}}'.")
FORCE = click.option("-f", "--force", is_flag=True, help="One that is not there is no error. Prune: do not ask; composer never does.")
NETWORKS = click.argument("names", nargs=-1, required=True, metavar="NETWORK...", shell_complete=network_names)
VOLUMES = click.argument("names", nargs=-1, required=True, metavar="VOLUME...", shell_complete=volume_names)


@click.group()
def network() -> None:
    """Networks that projects share."""


@network.command("create", cls=Toggle)
@click.option("-d", "--driver", type=click.Choice(["bridge"]), default="bridge", show_default=True, help="bridge is the one there is.")
@click.option("--subnet", "subnets", multiple=True, metavar="CIDR", help="Its addresses.")
@click.option("--gateway", "gateways", multiple=True, metavar="ADDRESS", help="Address of the gateway.")
@click.option("--ip-range", "ranges", multiple=True, metavar="CIDR", help="Part of the subnet that containers get addresses from.")
@click.option("--aux-address", "reserved", multiple=True, metavar="NAME=ADDRESS", help="An address that no container gets.")
@click.option("--internal", is_flag=True, help="No way out.")
@click.option("--ipv6", is_flag=True, help="With IPv6.")
@click.option("--attachable", is_flag=True, help="Every network is.")
@OPTIONS
@LABELS
@click.argument("name", metavar="NETWORK")
@click.pass_obj
def network_create(globals_: Globals, /, name: str, **chosen: Any) -> int:
    """Make a network that compose files can name as external."""
    from composer.commands.network import NetworkRequest, create

    request = NetworkRequest(
        name, _subnets(chosen), chosen["internal"], chosen["ipv6"], pairs(chosen["labels"]), pairs(chosen["options"]))
    click.echo(create(globals_.session().places, request))
    return 0


@network.command("ls", cls=Toggle)
@QUIET
@click.option("--no-trunc", is_flag=True, help="Whole ids.")
@FILTER
@FORMAT
@click.pass_obj
def network_ls(globals_: Globals, /, quiet: bool, no_trunc: bool, filters: tuple[str, ...], form: str) -> int:
    """List the networks of this machine, those of projects too."""
    from composer.commands.network import networks

    rows = [network_row(one, shorten=not no_trunc) for one in networks(globals_.session().places) if matches(network_facts(one), filters)]
    if quiet:
        click.echo("".join(f"{row['ID']}\n" for row in rows), nl=False)
    else:
        show(rows, form, {"ID": "NETWORK ID", "Name": "NAME", "Driver": "DRIVER", "Scope": "SCOPE"})
    return 0


@network.command("inspect", cls=Toggle)
@INSPECT
@click.option("-v", "--verbose", is_flag=True, help="There is nothing more to say.")
@NETWORKS
@click.pass_obj
def network_inspect(globals_: Globals, /, names: tuple[str, ...], form: str, **_chosen: Any) -> int:
    """Show all about networks."""
    from composer.commands.network import named

    say([inspected_network(one) for one in named(globals_.session().places, names)], form)
    return 0


@network.command("rm", cls=Toggle)
@FORCE
@NETWORKS
@click.pass_obj
def network_rm(globals_: Globals, /, names: tuple[str, ...], force: bool) -> int:
    """Remove networks that nobody uses."""
    from composer.commands.network import remove

    places = globals_.session().places
    return each(names, lambda name: remove(places, name), force=force)


@network.command("prune", cls=Toggle)
@FORCE
@click.pass_obj
def network_prune(globals_: Globals, /, **_chosen: bool) -> int:
    """Remove all networks of `network create` that no project uses."""
    from composer.commands.network import remove, unused

    places = globals_.session().places
    return _pruned("Networks", [remove(places, name) for name in unused(places)])


@click.group()
def volume() -> None:
    """Volumes that projects share."""


@volume.command("create", cls=Toggle)
@click.option("-d", "--driver", type=click.Choice(["local"]), default="local", show_default=True, help="local is the one there is.")
@OPTIONS
@LABELS
@click.argument("name", metavar="[VOLUME]", required=False, default="")
@click.pass_obj
def volume_create(globals_: Globals, /, name: str, labels: tuple[str, ...], options: tuple[str, ...], **_chosen: str) -> int:
    """Make a volume that compose files can name as external."""
    from composer.commands.volume import VolumeRequest, create

    click.echo(create(globals_.session().places, VolumeRequest(name, pairs(labels), pairs(options))))
    return 0


@volume.command("ls", cls=Toggle)
@QUIET
@FILTER
@FORMAT
@click.pass_obj
def volume_ls(globals_: Globals, /, quiet: bool, filters: tuple[str, ...], form: str) -> int:
    """List the volumes of this machine, those of projects too."""
    from composer.commands.volume import volumes

    rows = [volume_row(one) for one in volumes(globals_.session().places) if matches(volume_facts(one), filters)]
    if quiet:
        click.echo("".join(f"{row['Name']}\n" for row in rows), nl=False)
    else:
        show(rows, form, {"Driver": "DRIVER", "Name": "VOLUME NAME"})
    return 0


@volume.command("inspect", cls=Toggle)
@INSPECT
@VOLUMES
@click.pass_obj
def volume_inspect(globals_: Globals, /, names: tuple[str, ...], form: str) -> int:
    """Show all about volumes."""
    from composer.commands.volume import named

    say([inspected_volume(one) for one in named(globals_.session().places, names)], form)
    return 0


@volume.command("rm", cls=Toggle)
@FORCE
@VOLUMES
@click.pass_obj
def volume_rm(globals_: Globals, /, names: tuple[str, ...], force: bool) -> int:
    """Remove volumes that no container mounts, with what is in them."""
    from composer.commands.volume import remove

    places = globals_.session().places
    return each(names, lambda name: remove(places, name), force=force)


@volume.command("prune", cls=Toggle)
@click.option("-a", "--all", "everything", is_flag=True, help="Also those that have a name.")
@FORCE
@click.pass_obj
def volume_prune(globals_: Globals, /, everything: bool, **_chosen: bool) -> int:
    """Remove the anonymous volumes that no container mounts."""
    from composer.commands.volume import remove, unused

    places = globals_.session().places
    gone = unused(places, everything=everything)
    for name in gone:
        remove(places, name)
    return _pruned("Volumes", gone)


def pairs(texts: Iterable[str]) -> dict[str, str]:
    """KEY=VALUE; KEY alone has the value ""."""
    return {text.partition("=")[0]: text.partition("=")[2] for text in texts}


def _subnets(chosen: Mapping[str, Any]) -> tuple[Any, ...]:
    """`ipam.config` as a file would say it: each gateway, range and reserved address goes to the subnet that holds it."""
    from ipaddress import ip_address, ip_network

    from composer.model.network import Subnet

    try:
        subnets = [ip_network(one, strict=False) for one in chosen["subnets"]]
        made: list[dict[str, Any]] = [{"subnet": str(one), "aux_addresses": {}} for one in subnets]

        def entry(address: str) -> dict[str, Any]:
            found = [one for one, subnet in zip(made, subnets, strict=True) if ip_address(address.partition("/")[0]) in subnet]
            if not found:
                raise UsageError(f"{address} is in no --subnet")
            return found[0]

        for gateway in chosen["gateways"]:
            entry(gateway)["gateway"] = gateway
        for range_ in chosen["ranges"]:
            entry(range_)["ip_range"] = range_
        for name, address in pairs(chosen["reserved"]).items():
            entry(address)["aux_addresses"][name] = address
    except ValueError as wrong:
        raise UsageError(str(wrong)) from wrong
    return tuple(Subnet(**one) for one in made)


def matches(facts: Mapping[str, Sequence[str]], filters: Iterable[str]) -> bool:
    """Docker's filters: of one key any, of all keys one. A name or id matches by any part of it."""
    wanted: dict[str, list[str]] = {}
    for text in filters:
        key, _, value = text.partition("=")
        if key not in facts:
            raise UsageError(f"--filter {text}: not one of {', '.join(facts)}")
        wanted.setdefault(key, []).append(value)
    return all(any(_is(key, value, facts[key]) for value in values) for key, values in wanted.items())


def _is(key: str, value: str, facts: Sequence[str]) -> bool:
    if key == "dangling":
        return facts[0] == str(value in ("true", "1")).lower()
    if key in ("name", "id"):
        return any(re.search(value, fact) for fact in facts)
    return value in facts


def each(names: Iterable[str], do: Callable[[str], object], *, force: bool) -> int:
    """Do it for each name and say which; an error with one does not keep the others. `force`: one that is not there is fine."""
    code = 0
    for name in names:
        try:
            do(name)
            click.echo(name)
        except AbsentError as error:
            code = code if force else _told(error)
        except ComposerError as error:
            code = _told(error)
    return code


def _told(error: ComposerError) -> int:
    click.echo("\n".join([f"composer: {error.lines()[0]}", *error.lines()[1:]]), err=True)
    return error.exit_code


def say(objects: Sequence[Mapping[str, object]], form: str) -> None:
    """Docker's inspect: one JSON array, or a template for each."""
    if form == "json":
        click.echo(json.dumps(objects, indent=4))
    else:
        click.echo(by_template(form, objects), nl=False)


def _pruned(what: str, names: Sequence[str]) -> int:
    if names:
        click.echo(f"Deleted {what}:\n" + "".join(f"{name}\n" for name in names))
    return 0


COMMANDS = (network, volume)
