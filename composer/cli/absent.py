"""Commands of docker compose's that composer does not have: they say so, and what to do instead."""

from __future__ import annotations

import click

from composer.errors import UsageError

ABSENT = {
    "alpha": "what became of its parts has a name of its own: up --dry-run, scale, watch",
    "bridge": "composer config --format json gives other tools the whole project",
    "publish": "composer config --lock-image-digests gives a file that can be shared",
}


def _absent(name: str, instead: str) -> click.Command:
    @click.command(name, hidden=True, help=f"Is not there: {instead}.", context_settings={"ignore_unknown_options": True})
    @click.argument("_words", nargs=-1, type=click.UNPROCESSED)
    def refuse(_words: tuple[str, ...]) -> int:
        raise UsageError(f"composer has no `{name}`", hint=instead)

    return refuse


COMMANDS = tuple(_absent(name, instead) for name, instead in ABSENT.items())
