"""`up` brings a project to what its file says, and does nothing that it need not."""

from __future__ import annotations

import subprocess

from tests.command_line import Composer
from tests.records import ids, record

SHOP = """
    services:
      web:
        image: busybox
        command: [sleep, infinity]
        environment: {COLOUR: "%s"}
        depends_on: [db]
      db:
        image: busybox
        command: [sleep, infinity]
"""


def test_dry_run_prints_the_plan_and_touches_nothing(composer: Composer) -> None:
    """The plan is printed with causes and waits; no state, no supervisor and no container comes of it."""
    composer.write(SHOP % "red")
    done = composer("up", "--dry-run")
    assert done.out.splitlines() == [
        "1. create sandbox/shop: missing",
        "2. create network/shop_default: missing [after 1]",
        "3. create container/shop-db-1: missing [after 1, 2]",
        "4. start container/shop-db-1: created [after 2, 3]",
        "5. create container/shop-web-1: missing [after 1, 2]",
        "6. start container/shop-web-1: created [after 2, 4, 5]",
    ]
    assert composer.projects() == []


def test_up_converges_and_a_changed_service_is_recreated_alone(composer: Composer) -> None:
    """An unchanged project is an empty plan; what changed is recreated, its dependency stays; --force-recreate makes all anew."""
    composer.write(SHOP % "red")
    first = composer("up", "-d")
    assert "Container shop-web-1  Started" in first.err
    made = ids(composer)
    assert made.keys() == {"shop-web-1", "shop-db-1"}
    started = record(composer, "shop-db-1").started_at

    again = composer("up", "-d")
    assert again.said == ""
    assert composer("up", "--dry-run").out == "nothing to do\n"
    assert ids(composer) == made

    composer.write(SHOP % "blue")
    composer("up", "-d")
    changed = ids(composer)
    assert changed["shop-db-1"] == made["shop-db-1"]
    assert changed["shop-web-1"] != made["shop-web-1"]
    assert record(composer, "shop-db-1").started_at == started
    assert composer.inside("web", "sh", "-c", "echo $COLOUR") == "blue\n"

    composer("up", "-d", "--force-recreate")
    assert not set(ids(composer).values()) & set(changed.values())


def test_named_services_scale_and_orphans(composer: Composer) -> None:
    """Only what is named, and what it needs, comes up; --scale adds and removes; --remove-orphans takes what the file lost."""
    composer.write("""
        services:
          web: {image: busybox, command: [sleep, infinity], depends_on: [db]}
          db: {image: busybox, command: [sleep, infinity]}
          mail: {image: busybox, command: [sleep, infinity]}
    """)
    composer("up", "-d", "--no-deps", "web")
    assert ids(composer).keys() == {"shop-web-1"}
    composer("up", "-d", "web")
    assert ids(composer).keys() == {"shop-web-1", "shop-db-1"}
    first = ids(composer)["shop-web-1"]

    composer("up", "-d", "--scale", "web=3")
    assert ids(composer).keys() == {"shop-web-1", "shop-web-2", "shop-web-3", "shop-db-1", "shop-mail-1"}
    assert ids(composer)["shop-web-1"] == first
    composer("up", "-d", "--scale", "web=2")
    assert ids(composer).keys() == {"shop-web-1", "shop-web-2", "shop-db-1", "shop-mail-1"}
    assert ids(composer)["shop-web-1"] == first

    composer.write("services: {db: {image: busybox, command: [sleep, infinity]}}")
    warned = composer("up", "-d")
    assert "shop-mail-1" in warned.err
    assert "--remove-orphans" in warned.err
    assert "shop-mail-1" in ids(composer)
    composer("up", "-d", "--remove-orphans")
    assert ids(composer).keys() == {"shop-db-1"}


def test_build_follows_the_folder(composer: Composer) -> None:
    """A missing image is built; `up` alone keeps it, `--build` and `build` make it anew, and the container follows the image."""
    composer.write("FROM busybox\nCOPY page.txt /page.txt\nCMD [\"sleep\", \"infinity\"]\n", name="web/Dockerfile")
    page = composer.write("first\n", name="web/page.txt")
    composer.write("services: {follower: {build: web}}")  # a name of its own: other tests leave images in the store
    built = composer("up", "-d")
    assert "Image shop-follower  Built" in built.err
    assert composer.inside("follower", "cat", "/page.txt") == "first\n"

    page.write_text("second\n")
    composer("up", "-d")
    assert composer.inside("follower", "cat", "/page.txt") == "first\n"
    composer("up", "-d", "--build")
    assert composer.inside("follower", "cat", "/page.txt") == "second\n"

    page.write_text("third\n")
    assert "Built" in composer("build", "follower").err
    assert composer.inside("follower", "cat", "/page.txt") == "second\n"
    composer("up", "-d")
    assert composer.inside("follower", "cat", "/page.txt") == "third\n"


def test_wait_is_for_health_and_for_a_time(composer: Composer) -> None:
    """`--wait` returns when all is healthy or done; `--wait-timeout` gives up in words, with exit code 1."""
    compose = """
        services:
          web:
            image: busybox
            command: [sh, -c, "sleep 0.5; touch /up; exec sleep infinity"]
            healthcheck: {test: [CMD, test, -e, "%s"], interval: 30s}
          job: {image: busybox, command: ["true"]}
    """
    composer.write(compose % "/up")
    composer("up", "--wait")
    assert record(composer, "shop-web-1").health == "healthy"
    assert record(composer, "shop-job-1").exit_code == 0

    composer.write(compose % "/never")
    done = composer("up", "--wait", "--wait-timeout", "1", code=1)
    assert "composer: not ready after 1 s" in done.err
    assert "hint: " in done.err
    assert 1 < done.seconds < 5
    assert record(composer, "shop-web-1").status == "running"
    assert composer("up", "--wait-timeout", "1", code=1).err.startswith("composer: --wait-timeout goes with --wait")


def test_detached_up_lets_go_of_its_pipes(composer: Composer) -> None:
    """`up -d | cat` ends although guard, supervisor and containers live on."""
    composer.write("services: {idle: {image: busybox, command: [sleep, infinity]}}")
    command = " ".join(composer.argv("up", "-d"))
    done = subprocess.run(f"{command} 2>&1 | cat", shell=True, cwd=composer.folder, env=composer.environment(), capture_output=True,
                          text=True, timeout=20, check=True)
    assert "Container shop-idle-1  Started" in done.stdout
    assert composer.inside("idle", "echo", "here") == "here\n"
