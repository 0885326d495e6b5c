"""Commands that show what goes on: processes, use of the machine, events."""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime
from typing import TYPE_CHECKING

import click

from composer.cli.globals import Globals
from composer.cli.looking import show
from composer.cli.options import SERVICES, Toggle, moment
from composer.cli.table import binary, decimal, table
from composer.runtime.signals import number_of

if TYPE_CHECKING:
    from composer.commands.stats import Usage
    from composer.commands.top import Busy
    from composer.events import Event

#: Home, and clear what is below (ECMA-48 CUP, ED).
REDRAW = "\033[H\033[J"


@click.command(cls=Toggle)
@SERVICES
@click.pass_obj
def top(globals_: Globals, /, services: tuple[str, ...]) -> int:
    """Show the processes of containers; the image needs no `ps`."""
    from composer.commands.top import top as do

    rows = [row for busy in do(globals_.session(), services) for row in _processes(busy)]
    click.echo(table(("SERVICE", "#", "UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"), rows))
    return 0


def _processes(busy: Busy) -> list[tuple[str, ...]]:
    """As `ps -ef` has it (ps(1), "standard format specifiers")."""
    now = time.time()
    rows: list[tuple[str, ...]] = []
    for one in busy.processes:
        begun = datetime.fromtimestamp(one.started)
        started = begun.strftime("%H:%M" if begun.date() == datetime.fromtimestamp(now).date() else "%b%d")
        share = int(100 * one.cpu / max(now - one.started, 1))
        spent = f"{int(one.cpu // 3600):02}:{int(one.cpu // 60 % 60):02}:{int(one.cpu % 60):02}"
        user = busy.names.get(one.uid, str(one.uid))
        rows.append((busy.container.service, str(busy.container.number), user, str(one.pid), str(one.parent), str(share), started,
                     one.terminal, spent, one.command))
    return rows


@click.command(cls=Toggle)
@click.option("-a", "--all", "everything", is_flag=True, help="Also containers that do not run.")
@click.option("--no-stream", is_flag=True, help="Only once.")
@click.option("--no-trunc", is_flag=True, help="Do not shorten.")
@click.option("--format", "form", default="table", help="table, json, or a template like '{{.Name}} {{.CPUPerc}}'.")
@SERVICES
@click.pass_obj
def stats(globals_: Globals, /, services: tuple[str, ...], everything: bool, no_stream: bool, no_trunc: bool, form: str) -> int:
    """Show what containers use of the machine, until Ctrl-C."""
    from composer.commands.stats import stats as do

    headings = {"ID": "CONTAINER ID", "Name": "NAME", "CPUPerc": "CPU %", "MemUsage": "MEM USAGE / LIMIT", "MemPerc": "MEM %",
                "NetIO": "NET I/O", "BlockIO": "BLOCK I/O", "PIDs": "PIDS"}
    live = not no_stream and sys.stdout.isatty() and form.startswith("table")
    for usages in do(globals_.session(), services, everything=everything):
        rows = [_usage(one, shorten=not no_trunc) for one in usages]
        if live:
            click.echo(REDRAW, nl=False)
        show(rows, form, headings)
        if no_stream:
            break
    return 0


def _usage(one: Usage, *, shorten: bool) -> dict[str, str]:
    """One object of `stats --format json`, with docker compose's keys."""
    id_ = one.container.id[:12] if shorten else one.container.id
    row = {"Container": id_, "ID": id_, "Name": one.container.name}
    now = one.reading
    if now is None:
        return {**row, "CPUPerc": "0.00%", "MemUsage": "0B / 0B", "MemPerc": "0.00%", "NetIO": "0B / 0B", "BlockIO": "0B / 0B", "PIDs": "0"}
    return {
        **row,
        "CPUPerc": f"{one.cpu:.2f}%",
        "MemUsage": f"{binary(now.memory)} / {binary(now.memory_limit)}",
        "MemPerc": f"{100 * now.memory / max(now.memory_limit, 1):.2f}%",
        "NetIO": f"{decimal(now.received)} / {decimal(now.sent)}",
        "BlockIO": f"{decimal(now.read)} / {decimal(now.written)}",
        "PIDs": str(now.processes),
    }


#: composer's words -> Docker's (docker events, "Containers"); "orphaned", of a container whose conmon was killed, is our own.
ACTIONS = {"created": "create", "started": "start", "restarted": "restart", "signalled": "kill", "paused": "pause", "unpaused": "unpause",
           "killed": "kill", "exited": "die", "stopped": "stop", "removed": "destroy", "healthy": "health_status: healthy",
           "unhealthy": "health_status: unhealthy", "oom": "oom", "hook": "exec_start", "orphaned": "orphaned"}


@click.command(cls=Toggle)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--since", help="Begin with what happened then: a time, seconds since the epoch, or 10m for ten minutes ago.")
@click.option("--until", help="End there; a time in the past shows the past only.")
@SERVICES
@click.pass_obj
def events(globals_: Globals, /, services: tuple[str, ...], as_json: bool, since: str | None, until: str | None) -> int:
    """Show what happens to containers, until Ctrl-C."""
    from composer.commands.events import EventsRequest
    from composer.commands.events import events as do

    now = time.time()
    request = EventsRequest(services, moment(since, now) if since else None, moment(until, now) if until else None)
    return do(globals_.session(), request, lambda event: click.echo(_as_json(event) if as_json else _sentence(event)))


def _as_json(event: Event) -> str:
    at = datetime.fromtimestamp(event.at).astimezone().isoformat()
    return json.dumps({"time": at, "type": "container", "service": event.service, "id": event.container, "action": ACTIONS[event.action],
                       "attributes": _attributes(event)})


def _sentence(event: Event) -> str:
    at = datetime.fromtimestamp(event.at).strftime("%Y-%m-%d %H:%M:%S.%f")
    attributes = ", ".join(f"{key}={value}" for key, value in _attributes(event).items())
    return f"{at} container {ACTIONS[event.action]} {event.container} ({attributes})"


def _attributes(event: Event) -> dict[str, str]:
    found = {"image": event.image, "name": event.subject.partition("/")[2]}
    if event.action == "exited":
        code, _, reason = event.detail.removeprefix("code ").partition(" ")
        found["exitCode"] = code
        if reason:
            found["reason"] = reason.strip("()")
    if event.action == "hook":
        found["hook"] = event.detail
    if event.action in ("killed", "signalled"):
        found["signal"] = str(number_of(event.detail))
    return found


COMMANDS = (top, stats, events)
