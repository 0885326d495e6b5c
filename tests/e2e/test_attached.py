"""`composer up` on a terminal: coloured logs, Ctrl-C once and twice, exit codes."""

from __future__ import annotations

import signal
import time

from composer.engine.records import read_containers
from tests.command_line import Composer
from tests.eventually import eventually
from tests.records import places_of, record
from tests.terminal import on_terminal

#: Ends half a second after TERM, and says so.
PATIENT = "trap 'sleep 0.3; echo $$NAME leaves; exit 0' TERM; echo $$NAME here; while :; do sleep 0.05; done"


def test_logs_are_coloured_and_ctrl_c_stops_in_order(composer: Composer) -> None:
    """Lines carry the container's name in a colour of its own; one Ctrl-C stops dependents first; exit code 130."""
    composer.write(f"""
        services:
          web: {{image: busybox, command: [sh, -c, "{PATIENT}"], environment: {{NAME: web}}, depends_on: [database]}}
          database: {{image: busybox, command: [sh, -c, "{PATIENT}"], environment: {{NAME: database}}}}
    """)
    with on_terminal(composer, "up") as terminal:
        terminal.until("database here")
        terminal.until("web here")
        assert record(composer, "shop-web-1").status == "running"
        terminal.interrupt()
        terminal.until("press Ctrl-C again to kill")
        assert terminal.end() == 130
    lines = [line.rstrip() for line in terminal.shown.replace("\r", "\n").splitlines()]
    (web,) = [line for line in lines if line.endswith("web leaves")]
    (database,) = [line for line in lines if line.endswith("database leaves")]
    assert lines.index(web) < lines.index(database)
    colour, _, rest = database.partition("m")
    assert colour.startswith("\033[")
    assert rest.startswith("shop-database-1  | \033[0m")
    assert "shop-web-1       | \033[0m" in web
    assert web.partition("m")[0] != colour
    assert {record(composer, f"shop-{name}-1").exit_code for name in ("web", "database")} == {0}
    assert record(composer, "shop-database-1").finished_at - record(composer, "shop-web-1").finished_at > 0.2


def test_a_second_ctrl_c_kills(composer: Composer) -> None:
    """A service that ignores TERM and has a long grace period is gone at once; its exit code is 137."""
    composer.write("""
        services:
          deaf:
            image: busybox
            command: [sh, -c, "trap '' TERM; echo here; while :; do sleep 0.05; done"]
            stop_grace_period: 1m
    """)
    with on_terminal(composer, "up") as terminal:
        terminal.until("here")
        terminal.interrupt()
        terminal.until("press Ctrl-C again to kill")
        assert record(composer, "shop-deaf-1").status == "running"
        began = time.monotonic()
        terminal.interrupt()
        assert terminal.end() == 130
    assert time.monotonic() - began < 5
    assert record(composer, "shop-deaf-1").exit_code == 137


def test_attached_up_ends_with_its_containers(composer: Composer) -> None:
    """When all have ended it ends too, with 0, no line lost; without a terminal there are no colours; a failed dependency is 1."""
    composer.write("""
        services:
          one: {image: busybox, command: [sh, -c, "seq 1 500; exit 0"]}
          two: {image: busybox, command: [sh, -c, "sleep 0.3; echo two; exit 3"]}
    """)
    done = composer("up")
    ones = [line for line in done.out.splitlines() if line.startswith("shop-one-1")]
    assert ones == [f"shop-one-1  | {number}" for number in range(1, 501)]
    assert "shop-two-1  | two\n" in done.out
    assert "Container shop-two-1  Exited (code 3)" in done.err
    assert "\033" not in done.said
    composer.write("""
        services:
          one: {image: busybox, command: ["false"]}
          two: {image: busybox, command: ["true"], depends_on: {one: {condition: service_completed_successfully}}}
    """)
    composer("up", code=1)


def test_ctrl_c_before_all_is_up_stops_what_is(composer: Composer) -> None:
    """Interrupted while it waits for health, `up` gives the wait up and stops what it started; a TERM does the same."""
    composer.write("""
        services:
          db: {image: busybox, command: [sleep, infinity], healthcheck: {test: [CMD, "false"], interval: 30s}}
          web: {image: busybox, command: [sleep, infinity], depends_on: {db: {condition: service_healthy}}}
    """)
    for number in (signal.SIGINT, signal.SIGTERM):
        up = composer.start("up")
        eventually(lambda: record(composer, "shop-db-1").status == "running")
        up.send_signal(number)
        said, _ = up.communicate(timeout=15)
        assert up.returncode == 130, said
        assert record(composer, "shop-db-1").status == "exited"
        started = [one.name for one in read_containers(places_of(composer)) if one.started_at]
        assert started == ["shop-db-1"]  # the other one may be there, or not yet
