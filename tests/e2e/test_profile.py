"""`--profile-phases`: where the time went; and what is said while services are waited for."""

from __future__ import annotations

import json

from tests.command_line import Composer

SHOP = """
services:
  db:
    image: docker.io/library/busybox:latest
    command: sh -c 'trap "exit 0" TERM; sleep 0.5; touch /ready; sleep 600 & wait'
    healthcheck: {test: [CMD, test, -f, /ready], interval: 7s}
  web:
    image: docker.io/library/busybox:latest
    command: sh -c 'trap "exit 0" TERM; sleep 600 & wait'
    depends_on: {db: {condition: service_healthy}}
"""


def test_up_and_down_say_where_the_time_went(composer: Composer) -> None:
    """Each phase with its seconds, the steps counted, and the way through the plan that took longest, which leads by the health of db."""
    composer.write(SHOP)
    said = composer("up", "-d", "--profile-phases").err
    rows = [line.split() for line in said.splitlines()]
    assert ["create", "container", "2"] in [row[:3] for row in rows]
    assert ["wait", "for", "service", "1"] in [row[:4] for row in rows]
    _, _, path = said.partition("LONGEST WAY")
    assert [line.split("  ")[0] for line in path.splitlines() if "db" in line][-1] == "await service/db healthy"
    assert path.rstrip().splitlines()[-1].startswith("start container/")
    said = composer("down", "--profile-phases").err
    assert ["remove", "container", "2"] in [line.split()[:3] for line in said.splitlines()]


def test_the_profile_is_an_object_among_objects(composer: Composer) -> None:
    """With --progress json: the phases of the first level add up to the whole."""
    composer.write(SHOP)
    said = composer("--progress", "json", "up", "-d", "--profile-phases").err
    profile = json.loads(said.splitlines()[-1])["profile"]
    assert abs(sum(row["total"] for row in profile["rows"] if not row["depth"]) - profile["whole"]) < 0.001
    assert profile["path"][-1][0].startswith("start container/")


def test_who_waits_is_told_for_what(composer: Composer) -> None:
    """Which service, who needs it, and its test with its times."""
    composer.write(SHOP)
    said = composer("--progress", "plain", "up", "--wait").err
    assert "Service db  Awaiting (web needs it healthy: test `test -f /ready`, early from 0.1 s on, then every 7 s)" in said
