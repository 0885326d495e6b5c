"""Commands that bring containers up: `up`, `create`, `scale`; and `wait`, for their ends."""

from __future__ import annotations

from typing import Any

import click

from composer.cli import options
from composer.cli.globals import Globals
from composer.errors import UsageError

#: Options that do not go together (docker compose, cmd/compose/up.go).
EXCLUSIVE = (
    ("build", ("no_build",)),
    *((one, ("no_recreate",)) for one in ("force_recreate", "always_recreate_deps", "renew_anon_volumes")),
    ("abort_on_container_exit", ("abort_on_container_failure",)),
    ("attach", ("attach_dependencies",)),
    *((one, ("abort_on_container_exit", "abort_on_container_failure", "exit_code_from", "attach", "attach_dependencies", "watch"))
      for one in ("detach", "wait", "no_start")),
)


@click.command(cls=options.Toggle)
@click.option("-d", "--detach", is_flag=True, help="Leave the containers running in the background.")
@options.BUILD
@options.NO_BUILD
@options.QUIET_BUILD
@options.PULL
@options.QUIET_PULL
@click.option("--wait", is_flag=True, help="Wait until services are running or healthy; implies -d.")
@click.option("--wait-timeout", type=click.FloatRange(min=0), help="Seconds to wait at most.")
@click.option("--dry-run", is_flag=True, help="As the global option: print what would be done.")
@options.FORCE_RECREATE
@options.NO_RECREATE
@click.option("--always-recreate-deps", is_flag=True, help="Recreate what the services named depend on, too.")
@click.option("--no-deps", is_flag=True, help="Do not start what the services depend on.")
@click.option("--no-start", is_flag=True, help="Create containers and do not start them.")
@click.option("-V", "--renew-anon-volumes", is_flag=True, help="New anonymous volumes instead of the old containers' ones.")
@options.SCALE
@options.REMOVE_ORPHANS
@click.option("--abort-on-container-exit", is_flag=True, help="Stop all containers when one ends.")
@click.option("--abort-on-container-failure", is_flag=True, help="Stop all containers when one fails.")
@click.option("--exit-code-from", default="", metavar="SERVICE", help="End with this service, and with its exit code.")
@click.option("--attach", multiple=True, metavar="SERVICE", help="Show the log of these services only.")
@click.option("--no-attach", multiple=True, metavar="SERVICE", help="Do not show the log of these services.")
@click.option("--attach-dependencies", is_flag=True, help="Show the logs of what the services named depend on, too.")
@click.option("--no-log-prefix", is_flag=True, help="Log lines without the container's name.")
@click.option("--timestamps", is_flag=True, help="Log lines with their time.")
@click.option("--no-color", is_flag=True, help="Log lines without colour.")
@click.option("-w", "--watch", is_flag=True, help="Bring changes of files to the containers, as `composer watch` does.")
@click.option("--menu/--no-menu", default=True, envvar="COMPOSE_MENU", help="Listen to keys on a terminal: w watches, d detaches.")
@options.POLL
@options.PROFILE
@options.YES
@options.TIMEOUT
@options.SERVICES
@click.pass_obj
def up(globals_: Globals, /, services: tuple[str, ...], **chosen: Any) -> int:
    """Create and start containers, in the order of their dependencies."""
    from composer.commands.up import UpRequest
    from composer.commands.up import up as do

    _check(chosen)
    globals_.options["dry_run"] |= chosen["dry_run"]
    attached = not (chosen["detach"] or chosen["wait"] or chosen["no_start"])
    session = globals_.session(
        prefix=not chosen["no_log_prefix"],
        timestamps=chosen["timestamps"],
        color=not chosen["no_color"],
        ends="all" if attached else "failed",
        hushed=options.hushed(chosen),
        profile=chosen["profile_phases"],
    )
    wanted = _up_options(services, chosen)
    return do(session, UpRequest(wanted, _attachment(services, chosen) if attached else None))


def _check(chosen: dict[str, Any]) -> None:
    for one, others in EXCLUSIVE:
        for other in others:
            if chosen[one] and chosen[other]:
                raise UsageError(f"--{one.replace('_', '-')} and --{other.replace('_', '-')} do not go together")
    if chosen["wait_timeout"] is not None and not chosen["wait"]:
        raise UsageError("--wait-timeout goes with --wait")


def _up_options(services: tuple[str, ...], chosen: dict[str, Any]) -> Any:
    """What is not chosen, or no option of the command, is as UpOptions has it."""
    from composer.plan.options import UpOptions

    return UpOptions(
        services=services,
        recreate="always" if chosen["force_recreate"] else "never" if chosen["no_recreate"] else "changed",
        start=not chosen.get("no_start"),
        wait=chosen.get("wait", False),
        build=chosen["build"],
        no_build=chosen["no_build"],
        pull=chosen["pull"],
        dependencies=not chosen.get("no_deps"),
        scale=dict(map(options.scale, chosen["scales"])),
        remove_orphans=chosen["remove_orphans"],
        renew_anonymous=chosen.get("renew_anon_volumes", False),
        timeout=chosen.get("timeout"),
        wait_timeout=chosen.get("wait_timeout") or None,
        recreate_dependencies=chosen.get("always_recreate_deps", False),
    )


def _attachment(services: tuple[str, ...], chosen: dict[str, Any]) -> Any:
    from composer.commands.up import Attachment, WatchRequest
    from composer.supervisor.ends import Rule

    exits, failures, target = (chosen[key] for key in ("abort_on_container_exit", "abort_on_container_failure", "exit_code_from"))
    rule = Rule("exit" if exits else "failure" if failures else "target" if target else "nothing", target)
    return Attachment(
        rule, chosen["attach"], chosen["no_attach"], dependencies=chosen["attach_dependencies"], menu=chosen["menu"],
        watch=WatchRequest(services, polling=chosen["poll"]), watches=chosen["watch"],
    )


@click.command(cls=options.Toggle)
@options.BUILD
@options.NO_BUILD
@options.PULL
@options.QUIET_PULL
@options.FORCE_RECREATE
@options.NO_RECREATE
@options.SCALE
@options.REMOVE_ORPHANS
@options.YES
@options.SERVICES
@click.pass_obj
def create(globals_: Globals, /, services: tuple[str, ...], **chosen: Any) -> int:
    """Create containers and do not start them."""
    from composer.commands.up import UpRequest
    from composer.commands.up import up as do

    chosen |= {"no_start": True}
    for one, other in (("build", "no_build"), ("force_recreate", "no_recreate")):
        if chosen[one] and chosen[other]:
            raise UsageError(f"--{one.replace('_', '-')} and --{other.replace('_', '-')} do not go together")
    return do(globals_.session(hushed=options.hushed(chosen)), UpRequest(_up_options(services, chosen), None))


@click.command(cls=options.Toggle)
@click.option("--no-deps", is_flag=True, help="Do not start what the services depend on.")
@click.argument("numbers", nargs=-1, required=True, metavar="SERVICE=N...")
@click.pass_obj
def scale(globals_: Globals, /, numbers: tuple[str, ...], no_deps: bool) -> int:
    """Set the number of containers of services."""
    from composer.commands.up import UpRequest
    from composer.commands.up import up as do
    from composer.plan.options import UpOptions

    wanted = dict(options.scale(text, "") for text in numbers)
    return do(globals_.session(ends="failed"), UpRequest(UpOptions(services=tuple(wanted), scale=wanted, dependencies=not no_deps), None))


@click.command(cls=options.Toggle)
@click.option("--down-project", is_flag=True, help="Take the project down when the first container ends.")
@click.argument("services", nargs=-1, required=True)
@click.pass_obj
def wait(globals_: Globals, /, services: tuple[str, ...], down_project: bool) -> int:
    """Wait until the containers of services have ended; the exit code of the last."""
    from composer.commands.wait import wait as do

    end = do(globals_.session(), services, down_project=down_project)
    click.echo(f'container "{end.name}" exited with status code {end.code}')
    return end.code


COMMANDS = (up, create, scale, wait)
