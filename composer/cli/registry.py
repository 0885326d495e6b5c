"""Commands that move images between the store and registries."""

from __future__ import annotations

from typing import Any

import click

from composer.cli import options
from composer.cli.globals import Globals

INCLUDE_DEPENDENCIES = click.option("--include-deps", is_flag=True, help="Also the images of what the services named depend on.")
QUIET = click.option("-q", "--quiet", is_flag=True, help="Show no progress.")


@click.command(cls=options.Toggle)
@click.option("--ignore-buildable", is_flag=True, help="Leave out images that can be built.")
@click.option("--ignore-pull-failures", is_flag=True, help="Go on without the images that cannot be pulled.")
@INCLUDE_DEPENDENCIES
@click.option("--policy", type=click.Choice(["always", "missing"]), help="When to pull, instead of each service's own policy.")
@QUIET
@click.option("--parallel", is_flag=True, expose_value=False, hidden=True, help="That is so anyway.")
@click.option("--no-parallel", is_flag=True, hidden=True, help="One image after the other: --parallel 1 of the global options.")
@options.SERVICES
@click.pass_obj
def pull(globals_: Globals, /, services: tuple[str, ...], **chosen: Any) -> int:
    """Pull the images of services."""
    from composer.commands.registry import pull as do
    from composer.plan.options import PullOptions

    if chosen["no_parallel"]:
        globals_.options["parallel"] = 1
    asked = PullOptions(
        services=services,
        policy=chosen["policy"] or "",
        dependencies=chosen["include_deps"],
        ignore_buildable=chosen["ignore_buildable"],
        ignore_failures=chosen["ignore_pull_failures"],
    )
    return do(globals_.session(quiet=chosen["quiet"]), asked)


@click.command(cls=options.Toggle)
@click.option("--ignore-push-failures", is_flag=True, help="Go on without the images that cannot be pushed.")
@INCLUDE_DEPENDENCIES
@QUIET
@options.SERVICES
@click.pass_obj
def push(globals_: Globals, /, services: tuple[str, ...], **chosen: Any) -> int:
    """Push the images that services build to their registries."""
    from composer.commands.registry import push as do
    from composer.plan.options import PushOptions

    asked = PushOptions(services=services, dependencies=chosen["include_deps"], ignore_failures=chosen["ignore_push_failures"])
    return do(globals_.session(quiet=chosen["quiet"]), asked)


COMMANDS = (pull, push)
