"""The global options --dry-run and --parallel."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from composer.store import Places
from tests.command_line import Composer
from tests.records import record

SHOP = """
    name: shop
    services:
      web: {image: busybox, command: [sleep, infinity], depends_on: [db]}
      db: {image: busybox, command: [sleep, infinity], volumes: [data:/data]}
      app: {image: localhost/app, build: {context: ., dockerfile_inline: "FROM busybox"}, profiles: [more]}
    volumes: {data: {}}
"""
STOPS = ["1. stop container/shop-web-1: asked for", "2. stop container/shop-db-1: asked for [after 1]"]
STARTS = ["3. start container/shop-db-1: asked for [after 2]", "4. start container/shop-web-1: asked for [after 1, 3]"]


def states(shop: Composer) -> dict[str, tuple[str, float]]:
    return {row["ID"]: (row["State"], record(shop, row["Name"]).started_at) for row in shop.ps()}


@pytest.mark.parametrize(
    ("words", "plan"),
    [
        (["stop"], STOPS),
        (["restart"], [*STOPS, *STARTS]),
        (["start"], ["nothing to do"]),
        (["kill", "-s", "HUP", "web"], ["send HUP to container/shop-web-1"]),
        (["pause", "db"], ["1. pause container/shop-db-1: asked for"]),
        (["rm", "-s", "web"], ["1. stop container/shop-web-1: asked for", "2. remove container/shop-web-1: asked for [after 1]"]),
        (["scale", "db=2"], ["1. create container/shop-db-2: missing", "2. start container/shop-db-2: created [after 1]"]),
        (["build", "app"], ["1. build image/localhost/app: missing"]),
        (["build", "--push", "app"], ["1. build image/localhost/app: missing", "2. push image/localhost/app: asked for"]),
        (["pull", "web"], ["1. pull image/busybox: asked for"]),
        (["up", "--force-recreate", "--no-deps", "db"], []),
        (["down", "-v"], []),
        (["ps", "-q", "--no-trunc"], []),
    ],
)
def test_a_dry_run_shows_the_plan_and_changes_nothing(shop: Composer, words: list[str], plan: list[str]) -> None:
    """Of every command that follows one; what only reads does what it does."""
    before = states(shop)
    done = shop("--dry-run", *words)
    assert done.out.splitlines() == plan if plan else done.out.strip()
    if words[0] == "down":
        assert "remove volume/shop_data" in done.out and "remove network/shop_default" in done.out
    assert states(shop) == before


@pytest.fixture(scope="module")
def shop(places: Places, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composer]:
    made = Composer(tmp_path_factory.mktemp("rehearsal"), places)
    made.write(SHOP)
    try:
        made("up", "-d")
        yield made
    finally:
        made("down", "-v")


def test_parallel_limits_the_steps_that_are_under_way(composer: Composer) -> None:
    """With one at a time the project comes up as well; the variable of docker compose's is understood."""
    composer.write(SHOP)
    composer("--parallel", "1", "up", "-d", "--scale", "web=3", "--wait")
    assert {row["State"] for row in composer.ps()} == {"running"}
    composer("down", "-v", env={"COMPOSE_PARALLEL_LIMIT": "1"})
    assert composer.ps() == []
