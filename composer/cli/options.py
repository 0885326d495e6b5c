"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

import click

from composer.cli.completing import services
from composer.errors import UsageError

SERVICE = click.argument("service", shell_complete=services)
SERVICES = click.argument("services", nargs=-1, shell_complete=services)
TIMEOUT = click.option("-t", "--timeout", type=float, help="Seconds to wait for containers to stop, instead of each service's own.")
BUILD = click.option("--build", is_flag=True, help="Build images before starting containers.")
NO_BUILD = click.option("--no-build", is_flag=True, help="Do not build an image, even when it is missing.")
QUIET_BUILD = click.option("--quiet-build", is_flag=True, help="Do not show the output of builds.")
QUIET_PULL = click.option("--quiet-pull", is_flag=True, help="Do not show the progress of pulls.")
REMOVE_ORPHANS = click.option(
    "--remove-orphans", is_flag=True, envvar="COMPOSE_REMOVE_ORPHANS", help="Remove containers of services that the file does not name.",
)
FORCE_RECREATE = click.option("--force-recreate", is_flag=True, help="Recreate containers that are as they should be, too.")
NO_RECREATE = click.option("--no-recreate", is_flag=True, help="Leave containers alone that differ from the file.")
PROFILE = click.option("--profile-phases", is_flag=True, help="Say at the end where the time went.")
SCALE = click.option("--scale", "scales", multiple=True, metavar="SERVICE=N", help="Number of containers of a service.")
POLL = click.option(
    "--poll", type=click.FloatRange(min=0), default=0.0, metavar="SECONDS", envvar="COMPOSER_POLL",
    help="Look at watched files this often instead of being told by the kernel (remote file systems); also COMPOSER_POLL.",
)
YES = click.option("-y", "--yes", "--y", is_flag=True, help="Answer every question with yes; composer asks none.")

#: Go's words for truth (strconv.ParseBool), as docker compose takes them.
TRUTH = {**dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True), **dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False)}


class Toggle(click.Command):
    """A command whose flags are also understood as docker compose has them: `--name=false`, `--name=true`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        options = [one for one in self.params if isinstance(one, click.Option)]
        flags = {word: one.secondary_opts[-1:] for one in options if one.is_flag for word in one.opts}
        takers = {word for one in options if not one.is_flag for word in one.opts}
        return super().parse_args(ctx, _toggled(args, flags, takers, throughout=ctx.allow_interspersed_args))


def _toggled(args: list[str], flags: Mapping[str, list[str]], takers: Collection[str], *, throughout: bool) -> list[str]:
    """`flags`: what each is turned off by, `takers`: options with a value. Unless options may stand anywhere (`throughout`), what follows
    the first argument may be a command of the user's."""
    done: list[str] = []
    for place, word in enumerate(args):
        name, _, value = word.partition("=")
        if place and args[place - 1] in takers:
            done.append(word)
        elif word == "--" or not (throughout or word.startswith("-")):
            return [*done, *args[place:]]
        elif name in flags and value in TRUTH:
            done += [name] if TRUTH[value] else flags[name]
        else:
            done.append(word)
    return done


def _policy(_context: click.Context, _option: click.Parameter, value: str) -> str:
    """\"\" for docker compose's `policy`: each service's own."""
    return "" if value == "policy" else value


PULL = click.option(
    "--pull", type=click.Choice(["always", "missing", "never", "policy"]), default="policy", show_default=True, callback=_policy,
    help="When to pull images; policy is each service's own.",
)


def scale(text: str, option: str = "--scale ") -> tuple[str, int]:
    """SERVICE=N."""
    service, _, number = text.partition("=")
    if not service or not number.isdecimal():
        raise UsageError(f"{option}{text}: not SERVICE=N", hint=f"for example {option}web=3")
    return service, int(number)


def moment(text: str, now: float) -> float:
    """Seconds since the epoch of a time as Docker's `--since` has it: a date or a time (RFC 3339; local without a zone), seconds since the
    epoch, or how long ago (`10m`, `1h30m`)."""
    from composer.load.quantities import NANOSECONDS, duration

    with suppress(ValueError):
        return float(text)
    with suppress(ValueError):
        return datetime.fromisoformat(text).timestamp()
    with suppress(ValueError):
        return now - duration(text) / NANOSECONDS["s"]
    raise UsageError(f"{text!r} is no time", hint="for example 2026-01-31T13:00:00Z, or 10m for ten minutes ago")


def hushed(chosen: dict[str, Any]) -> frozenset[str]:
    """What of the events about images is not shown: `build`, `pull`."""
    return frozenset(kind for kind in ("build", "pull") if chosen.get(f"quiet_{kind}"))
