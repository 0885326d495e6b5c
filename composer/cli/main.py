"""The command line: global options, the table of commands, and the one error boundary."""

from __future__ import annotations

import os
import shlex
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

import composer
from composer.cli import (
    absent,
    building,
    copying,
    inspecting,
    lifecycle,
    looking,
    machine,
    oneoff,
    registry,
    reload,
    resources,
    tending,
    up,
    watching,
)
from composer.cli.globals import Globals
from composer.cli.options import Toggle
from composer.errors import ComposerError, LoadErrors, UsageError

if TYPE_CHECKING:
    from composer.supervisor.guard import Launcher

INTERRUPTED = 130
BUG = 3


#: Other names of commands, as docker compose has them.
ALIASES = {"convert": "config"}
#: What goes with --dry-run: commands that follow a plan, and those that change nothing.
REHEARSED = ("up", "create", "scale", "down", "stop", "start", "restart", "rm", "kill", "pause", "unpause", "build", "pull", "push")
READING = ("config", "ps", "images", "logs", "ls", "port", "stats", "top", "version", "volumes", "completion")


class _Commands(Toggle, click.Group):
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, ALIASES.get(cmd_name, cmd_name))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120}, no_args_is_help=True)
@click.option("-f", "--file", "files", multiple=True, help="Compose file; later ones are merged over earlier ones; - is standard input.")
@click.option("-p", "--project-name", help="Project name.")
@click.option("--project-directory", help="Folder that relative paths start from (default: that of the first compose file).")
@click.option("--env-file", "env_files", multiple=True, help="File with variables for the compose files (default: .env).")
@click.option("--profile", "profiles", multiple=True, help="Profile to enable; * for all.")
@click.option("--all-resources", is_flag=True, help="Also networks, volumes, secrets and configs that no service uses.")
@click.option(
    "--progress", type=click.Choice(["auto", "tty", "plain", "json", "quiet"]), default="auto", envvar="COMPOSE_PROGRESS",
    help="How progress is shown.",
)
@click.option(
    "--ansi", type=click.Choice(["auto", "always", "never"]), default="auto", envvar="COMPOSE_ANSI", help="Colours and cursor movement.",
)
@click.option("--compatibility", is_flag=True, help="Names of containers and images with _ instead of -, as docker-compose 1 had them.")
@click.option("--dry-run", is_flag=True, help="Print what would be done, and do nothing.")
@click.option("--parallel", type=int, default=-1, envvar="COMPOSE_PARALLEL_LIMIT", help="So many steps at once at most; -1 for no limit.")
@click.option("--workdir", hidden=True, help="Former name of --project-directory.")
@click.option("--no-ansi", is_flag=True, hidden=True, help="Former name of --ansi never.")
@click.option("--verbose", is_flag=True, hidden=True, help="Without effect: logs --supervisor shows what was done and why.")
@click.option("--insecure-registry", multiple=True, hidden=True, help="Refused: registries.conf names registries without TLS.")
@click.version_option(composer.__version__, "-v", "--version", message="composer version %(version)s")
@click.pass_context
def cli(context: click.Context, /, **options: Any) -> None:
    """Run the services of a compose file on this machine, without a daemon."""
    context.obj.options = _renamed(options)
    command = ALIASES.get(context.invoked_subcommand or "", context.invoked_subcommand)
    if options["dry_run"] and command not in {*REHEARSED, *READING}:
        raise UsageError(f"--dry-run: what `{command}` does has no plan to show", hint=f"it goes with {', '.join(REHEARSED)}")


def _renamed(options: dict[str, Any]) -> dict[str, Any]:
    """With what former names of options say in its place, which is told."""
    if options["insecure_registry"]:
        raise UsageError("--insecure-registry: registries without TLS are named in /etc/containers/registries.conf, by insecure = true")
    for former, name, value in (("workdir", "project_directory", options["workdir"]), ("no_ansi", "ansi", "never")):
        if options[former]:
            _say(f"--{former.replace('_', '-')} is called --{name.replace('_', '-')} now")
            options[name] = value
    if options["verbose"]:
        _say("--verbose has no effect: composer logs --supervisor shows what was done and why")
    return options


MODULES = (up, lifecycle, building, tending, inspecting, looking, watching, copying, machine, oneoff, registry, resources, reload, absent)
for module in MODULES:
    for command in module.COMMANDS:
        cli.add_command(command)


def run(argv: list[str], launcher: Launcher | None = None) -> int:
    """The exit code: a command's own, 1 for an error on purpose, 130 for Ctrl-C, 3 for a bug."""
    context = Globals(launcher)
    try:
        code = cli.main(argv, "composer", standalone_mode=False, obj=context)
        sys.stdout.flush()  # while a reader that has gone can still be told from a bug
        return code if isinstance(code, int) else 0
    except ComposerError as error:
        problem = _placed(error, context)
        for one in problem.errors if isinstance(problem, LoadErrors) else (problem,):
            _say(*one.lines())
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as shown:
        shown.show()
        return 0
    except click.ClickException as wrong:
        _say(wrong.format_message(), f"  hint: composer {command_hint(wrong)}--help")
        return 1
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except PermissionError as refused:
        if not os.geteuid():
            return _bug(argv)
        _say(f"{refused.filename}: {refused.strerror}", f"  hint: sudo composer {shlex.join(argv)}")
        return 1
    except BrokenPipeError:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except Exception:
        return _bug(argv)


def _placed(error: ComposerError, context: Globals) -> ComposerError:
    from composer.commands.places import placed

    return placed(error, context.loading()) if context.options else error


def command_hint(wrong: click.ClickException) -> str:
    """The command that was used wrongly, as part of a command line."""
    context = getattr(wrong, "ctx", None)
    return f"{context.info_name} " if context is not None and context.parent is not None else ""


def _say(first: str, *more: str) -> None:
    print(f"composer: {first}", *more, sep="\n", file=sys.stderr)


def _bug(argv: list[str]) -> int:
    """A traceback helps nobody on a terminal: it goes to a file that is ready for an issue."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="composer-bug-", suffix=".txt", delete=False) as report:
        report.write(f"composer {composer.__version__}, Python {sys.version}\n$ composer {' '.join(argv)}\n\n{traceback.format_exc()}")
    _say(f"internal error: {traceback.format_exc().splitlines()[-1]}", f"  hint: please report it with {report.name}")
    return BUG
