"""Times, numbers of containers, and truth values as docker compose's options have them."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from composer.cli.options import PULL, Toggle, moment, scale
from composer.errors import UsageError


def test_moments() -> None:
    """RFC 3339 with a zone, seconds since the epoch, how long ago."""
    assert moment("1970-01-01T00:01:00Z", 0) == 60
    assert moment("1970-01-01T02:00:00+02:00", 0) == 0
    assert moment("12.5", 0) == 12.5
    assert moment("1h30m", 10_000) == 10_000 - 5400
    with pytest.raises(UsageError, match="is no time"):
        moment("yesterday", 0)


def test_numbers_of_containers() -> None:
    """SERVICE=N and nothing else."""
    assert scale("web=3") == ("web", 3)
    for wrong in ("web", "=3", "web=x", "web=-1"):
        with pytest.raises(UsageError):
            scale(wrong)


@click.command(cls=Toggle, context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("-i/ ", "--interactive/--no-interactive", default=True)
@click.option("-e", "--env")
@PULL
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def run(interactive: bool, env: str | None, pull: str, words: tuple[str, ...]) -> None:
    click.echo(f"{interactive} {env} {pull!r} {' '.join(words)}")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("web", "True None '' web"),
        ("--interactive=false web", "False None '' web"),
        ("-i=false -e A=b web", "False A=b '' web"),
        ("-e A=b --interactive=true --pull always web", "True A=b 'always' web"),
        ("--pull policy web --interactive=false", "True None '' web --interactive=false"),
    ],
)
def test_truth_values(arguments: str, said: str) -> None:
    """`--option=false` is understood in front of the user's own command, and left alone inside it."""
    assert CliRunner().invoke(run, arguments.split()).output.strip() == said
