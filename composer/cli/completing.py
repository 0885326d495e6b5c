"""What the shell completes beside the options: names of services, from the compose file as the command line so far chooses it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

import click

from composer.cli.globals import Globals
from composer.errors import ComposerError
from composer.store import Places

T = TypeVar("T")


def services(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Those that begin so; none, without a word, where the file is broken or missing."""
    from composer.load.phases import resolve

    session = Globals(None, dict(context.find_root().params)).session()
    try:
        tree = resolve(replace(session.options, resolve_env=False, consistency=False)).tree
    except ComposerError:
        return []
    return sorted(name for name in tree.get("services") or {} if name.startswith(incomplete))


def network_names(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The networks of this machine."""
    from composer.commands.network import networks

    return _beginning((one.state.name for one in _quietly(networks)), incomplete)


def volume_names(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The volumes of this machine."""
    from composer.commands.volume import volumes

    return _beginning((one.state.name for one in _quietly(volumes)), incomplete)


def _quietly(listing: Callable[[Places], list[T]]) -> list[T]:
    """Nothing where one may not look."""
    try:
        return listing(Places.default())
    except (ComposerError, PermissionError):
        return []


def _beginning(names: Iterable[str], incomplete: str) -> list[str]:
    return sorted(name for name in names if name.startswith(incomplete))
