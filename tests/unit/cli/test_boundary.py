"""The command line's edge: exit codes, messages without a traceback, help for every command."""

from __future__ import annotations

import glob
import os
from pathlib import Path

import click
import pytest

from composer.__main__ import called, command_at
from composer.cli import main
from composer.cli.main import cli, run
from composer.errors import ComposerError, LoadError, LoadErrors, Place


@pytest.fixture(autouse=True)
def _own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COMPOSER_ROOT", str(tmp_path / "root"))
    monkeypatch.setenv("COMPOSER_RUN", str(tmp_path / "run"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def failing(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command of its own that ends with an error."""

    @click.command()
    def fail() -> None:
        raise error

    monkeypatch.setitem(cli.commands, "fail", fail)


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["up", "-d"], "up"),
        (["-f", "up", "ps"], "ps"),
        (["--file=x.yaml", "down"], "down"),
        (["-p", "shop", "--profile", "up", "logs", "web"], "logs"),
        (["--help"], ""),
        ([], ""),
        (["-f"], ""),
        (["--ansi", "never", "run", "web", "up"], "run"),
    ],
)
def test_the_command_is_found_behind_global_options(words: list[str], command: str) -> None:
    """The launcher is forked before the command line is parsed."""
    assert "".join(words[command_at(words) :][:1]) == command


def test_another_folder_file_or_variable_calls_another_project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By this the launcher guesses whether the project has a supervisor already."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COMPOSE_FILE", raising=False)
    seen = {called([]), called(["-f", "other.yaml"])}
    monkeypatch.setenv("COMPOSE_FILE", "third.yaml")
    seen.add(called([]))
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    seen.add(called([]))
    assert len(seen) == 4
    (tmp_path / "sub").rmdir()
    assert called([]) == "", "a folder that is gone tells nothing"


def test_every_global_option_with_a_value_is_known_to_the_launcher() -> None:
    """Else its value would be taken for the command."""
    from composer.__main__ import TAKE_VALUE

    options = [one for one in cli.params if isinstance(one, click.Option) and not one.is_flag and not one.is_eager]
    assert options
    assert {text for one in options for text in one.opts} <= TAKE_VALUE


@pytest.mark.parametrize("name", ["", *sorted(cli.commands)])
def test_help_of_every_command(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What it does, its options, exit code 0."""
    assert run([*([name] if name else []), "--help"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Usage: composer")
    assert "--help" in said


def test_an_error_on_purpose_is_one_message_and_exit_code_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """With its hint, on stderr."""
    failing(ComposerError("no", hint="try yes"), monkeypatch)
    assert run(["fail"]) == 1
    assert capsys.readouterr() == ("", "composer: no\n  hint: try yes\n")


def test_an_error_may_have_an_exit_code_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that came from the supervisor."""
    error = ComposerError("no")
    error.exit_code = 130
    failing(error, monkeypatch)
    assert run(["fail"]) == 130


def test_load_errors_say_where(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """All of them, each with its place."""
    errors = [LoadError("services.a: no", place=Place("c.yaml", 3, 4)), LoadError("services.b: no", hint="x")]
    failing(LoadErrors(errors), monkeypatch)
    assert run(["fail"]) == 1
    assert capsys.readouterr().err == "composer: services.a: no\n  c.yaml, line 3, column 4\ncomposer: services.b: no\n  hint: x\n"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_ctrl_c_is_130(error: BaseException, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """128 and SIGINT, with nothing to read."""
    failing(error, monkeypatch)
    assert run(["fail"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_a_bug_is_3_and_a_report(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The traceback is in a file that is ready for an issue."""
    failing(ZeroDivisionError("oops"), monkeypatch)
    assert run(["fail"]) == main.BUG == 3
    said = capsys.readouterr().err
    assert said.startswith("composer: internal error: ZeroDivisionError: oops\n  hint: please report it with ")
    assert "Traceback" not in said
    (report,) = glob.glob(str(tmp_path / "composer-bug-*.txt"))
    text = Path(report).read_text()
    assert "$ composer fail" in text
    assert "Traceback" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nope"], "No such command 'nope'"),
        (["up", "--nope"], "No such option"),
        (["up", "--build", "--no-build"], "--build and --no-build do not go together"),
        (["up", "--force-recreate", "--no-recreate"], "--force-recreate and --no-recreate do not go together"),
        (["up", "--wait-timeout", "3"], "--wait-timeout goes with --wait"),
        (["up", "--dry-run", "--scale", "web"], "--scale web: not SERVICE=N"),
        (["up", "--dry-run", "--scale", "=2"], "--scale =2: not SERVICE=N"),
        (["up", "--dry-run", "--scale", "nope=2"], "no such service: nope"),
        (["--dry-run", "run", "web"], "--dry-run: what `run` does has no plan to show"),
        (["--dry-run", "network", "create", "front"], "--dry-run: what `network` does has no plan to show"),
        (["--insecure-registry", "localhost:5000", "pull"], "registries.conf"),
        (["logs", "--tail", "few"], "a number, or all"),
        (["exec", "-e", "=x", "web", "true"], "no name before ="),
        (["exec", "web"], "Missing argument 'COMMAND...'"),
        (["port", "web", "http"], "is not a valid integer"),
    ],
)
def test_what_does_not_go_together_is_refused_in_words(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, one line and perhaps a hint, nothing touched."""
    Path("compose.yaml").write_text("services: {web: {image: web}}\n")
    assert run(words) == 1
    printed = capsys.readouterr().err
    assert said in printed
    assert "Traceback" not in printed
    assert not os.path.exists("run")


@pytest.mark.parametrize("words", [["ps"], ["up", "--dry-run"], ["config"], ["down"], ["logs"]])
def test_without_a_compose_file(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The message names what was looked for."""
    assert run(words) == 1
    assert "compose.yaml" in capsys.readouterr().err


def test_a_broken_file_is_refused_with_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    """Unknown keys too."""
    Path("compose.yaml").write_text("services:\n  web:\n    imagee: nginx\n")
    assert run(["config"]) == 1
    assert "compose.yaml, line 3" in capsys.readouterr().err


def test_what_goes_with_dry_run_are_commands() -> None:
    """The tables name nothing that is not there."""
    assert {*main.REHEARSED, *main.READING} <= cli.commands.keys()


def test_former_names_of_options_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They mean what they meant."""
    (tmp_path / "there").mkdir()
    Path("there/compose.yaml").write_text("services: {web: {image: web}}\n")
    assert run(["--workdir", "there", "--no-ansi", "--verbose", "config", "--services"]) == 0
    printed = capsys.readouterr()
    assert printed.out == "web\n"
    assert [line.split()[1] for line in printed.err.splitlines()] == ["--workdir", "--no-ansi", "--verbose"]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """Three ways to ask."""
    import composer

    for words in (["--version"], ["version"], ["version", "--short"]):
        assert run(words) == 0
        assert composer.__version__ in capsys.readouterr().out


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    """A newcomer's first try is no error."""
    assert run([]) == 0
    assert "Commands:" in "".join(capsys.readouterr())
