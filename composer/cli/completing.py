"""What the shell completes beside the options: names of services, from the compose file as the command line so far chooses it."""

from __future__ import annotations

from dataclasses import replace

import click

from composer.cli.globals import Globals
from composer.errors import ComposerError


def services(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Those that begin so; none, without a word, where the file is broken or missing."""
    from composer.load import resolve

    session = Globals(None, dict(context.find_root().params)).session()
    try:
        tree = resolve(replace(session.options, resolve_env=False, consistency=False)).tree
    except ComposerError:
        return []
    return sorted(name for name in tree.get("services") or {} if name.startswith(incomplete))
