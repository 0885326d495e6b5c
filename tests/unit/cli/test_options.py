"""Times, numbers of containers, and truth values as docker compose's options have them."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from composer.cli.main import cli
from composer.cli.main import run as run_command
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


@click.command(cls=Toggle, context_settings={"allow_interspersed_args": False})
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


@click.command(cls=Toggle)
@click.option("-f", "--follow", is_flag=True)
@click.option("-n", "--tail")
@click.argument("words", nargs=-1)
def logs(follow: bool, tail: str | None, words: tuple[str, ...]) -> None:
    click.echo(f"{follow} {tail} {' '.join(words)}")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--follow=false web", "False None web"),
        ("-f=T web", "True None web"),
        ("web --follow=1 db", "True None web db"),
        ("-n --follow=true web", "False --follow=true web"),
        ("-f -- --follow=false", "True None --follow=false"),
    ],
)
def test_truth_values_of_plain_flags(arguments: str, said: str) -> None:
    """Wherever options may stand, and nowhere else."""
    assert CliRunner().invoke(logs, arguments.split()).output.strip() == said


def test_every_command_takes_truth_values() -> None:
    """Those of the group itself, and of the groups in it; what is not there takes anything."""
    assert isinstance(cli, Toggle)
    inner = [one for group in cli.commands.values() if isinstance(group, click.Group) for one in group.commands.values()]
    outer = [one for one in cli.commands.values() if not isinstance(one, click.Group) and not one.hidden]
    assert [one.name for one in (*outer, *inner) if not isinstance(one, Toggle)] == []


@pytest.mark.parametrize("words", ["run --nosuch web", "exec --nosuch web ls"])
def test_an_unknown_option_is_no_service(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Before the service an option is composer's."""
    assert run_command(words.split()) == 1
    assert "--nosuch" in (said := capsys.readouterr().err)
    assert "option" in said


@pytest.mark.parametrize("name", ["run", "exec"])
def test_no_tty_as_docker_spells_it(name: str) -> None:
    """`--no-TTY` is the same option as `--no-tty`."""
    command = cli.commands[name]
    words = ["--no-TTY", "web", "ls"]
    assert command.make_context(name, words).params["no_tty"] is True
