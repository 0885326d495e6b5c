"""Dependencies: who starts when, and what is said when one fails."""

from __future__ import annotations

from datetime import datetime

from tests.command_line import Composer
from tests.records import ids, record


def stamps(composer: Composer) -> dict[str, float]:
    """The time of each line in the logs, in seconds; lines are told apart by their text."""
    found = {}
    for line in composer("logs", "-t", "--no-log-prefix").out.splitlines():
        at, _, text = line.partition(" ")
        found[text] = datetime.fromisoformat(at).timestamp()
    return found


def test_all_three_conditions_hold_back_what_depends(composer: Composer) -> None:
    """healthy, completed and started come in that order, seen in the times of the log lines; a finished job is not run again."""
    composer.write("""
        services:
          web:
            image: busybox
            command: [sh, -c, "echo web began; exec sleep infinity"]
            depends_on:
              db: {condition: service_healthy}
              migrate: {condition: service_completed_successfully}
              cache: {condition: service_started}
          migrate:
            image: busybox
            command: [sh, -c, "echo migrate began; sleep 0.3; echo migrate done"]
            depends_on: {db: {condition: service_healthy}}
          cache: {image: busybox, command: [sh, -c, "echo cache began; exec sleep infinity"]}
          db:
            image: busybox
            command: [sh, -c, "echo db began; sleep 0.4; echo db ready; touch /ready; exec sleep infinity"]
            healthcheck: {test: [CMD, test, -e, /ready], interval: 30s}
    """)
    up = composer("up", "-d")
    assert " Service db  Healthy" in up.err
    assert " Service migrate  Exited" in up.err
    at = stamps(composer)
    assert at["db began"] < at["db ready"] <= at["migrate began"] < at["migrate done"] <= at["web began"]
    assert at["cache began"] < at["web began"]
    assert at["cache began"] < at["db ready"], "who depends on nothing waits for nothing"
    web, db = record(composer, "shop-web-1"), record(composer, "shop-db-1")
    assert db.started_at < at["db ready"] < web.started_at

    before = record(composer, "shop-migrate-1").finished_at
    assert composer("up", "-d").said == ""
    assert record(composer, "shop-migrate-1").finished_at == before


def test_an_unhealthy_dependency_is_told_with_all_that_is_known(composer: Composer) -> None:
    """The message has the probe's exit code and output, the last log lines and who waited; others still come up; a cure goes on."""
    compose = """
        services:
          web:
            image: busybox
            command: [sleep, infinity]
            depends_on: {db: {condition: service_healthy}}
          db:
            image: busybox
            command: [sh, -c, "echo opening the books; echo no such table >&2; exec sleep infinity"]
            healthcheck: {test: ["CMD-SHELL", "%s"], interval: 100ms, retries: 2}
          mail: {image: busybox, command: [sleep, infinity]}
    """
    composer.write(compose % "echo connection refused; exit 3")
    done = composer("up", "-d", code=1)
    assert done.err.split("composer: ")[1].splitlines() == [
        "dependency failed: container shop-db-1 is unhealthy (web waits for it to be healthy)",
        "  last health probe exited with 3: connection refused",
        "  last lines of its log:",
        "    opening the books",
        "    no such table",
    ]
    assert record(composer, "shop-web-1").started_at == 0
    assert record(composer, "shop-mail-1").status == "running"
    mail = ids(composer)["shop-mail-1"]

    composer.write(compose % "true")
    composer("up", "-d")
    assert record(composer, "shop-web-1").status == "running"
    assert ids(composer)["shop-mail-1"] == mail


def test_a_failed_job_stops_those_who_need_it_and_no_others(composer: Composer) -> None:
    """`required: true` ends in an error with exit code and log, `required: false` goes on with a warning."""
    compose = """
        services:
          web:
            image: busybox
            command: [sleep, infinity]
            depends_on: {migrate: {condition: service_completed_successfully, required: %s}}
          migrate: {image: busybox, command: [sh, -c, "echo column missing; exit 4"]}
    """
    composer.write(compose % "true")
    done = composer("up", "-d", code=1)
    assert "dependency failed: container shop-migrate-1 exited (4) (web waits for it to be completed)" in done.err
    assert "column missing" in done.err
    assert record(composer, "shop-web-1").started_at == 0
    assert record(composer, "shop-migrate-1").exit_code == 4

    composer.write(compose % "false")
    done = composer("up", "-d")
    assert "migrate" in done.err
    assert "Warning" in done.err
    assert record(composer, "shop-web-1").status == "running"
    assert record(composer, "shop-migrate-1").exit_code == 4


def test_stopping_is_the_reverse_order(composer: Composer) -> None:
    """`down` stops dependents first, each to its end before what it needs is asked to stop."""
    composer.write("""
        x-service: &service
          image: busybox
          command: [sh, -c, "trap 'sleep 0.2; touch /out/$$NAME; exit 0' TERM; while :; do sleep 0.05; done"]
          volumes: ["./out:/out"]
        services:
          web: {<<: *service, environment: {NAME: web}, depends_on: [app]}
          app: {<<: *service, environment: {NAME: app}, depends_on: [db]}
          db: {<<: *service, environment: {NAME: db}}
    """)
    composer("up", "-d")
    composer("down")
    ended = {name: (composer.folder / "out" / name).stat().st_mtime for name in ("web", "app", "db")}
    assert ended["app"] - ended["web"] > 0.15
    assert ended["db"] - ended["app"] > 0.15
