"""What stops an attached `up` and its exit code; whose logs are shown; `create`, `scale`, `wait`, `logs --since`; early deaths."""

from __future__ import annotations

import time

from tests.command_line import Composer
from tests.records import ids, record

WEB_AND_DB = """
    services:
      web: {image: busybox, command: [sleep, infinity], depends_on: [db]}
      db: {image: busybox, command: [sleep, infinity]}
"""
POLITE = "trap 'exit 0' TERM; while :; do sleep 0.05; done"


def status(composer: Composer) -> dict[str, str]:
    return {name: record(composer, name).status for name in ids(composer)}


def test_exit_code_from_is_not_torn_down_by_a_success(composer: Composer) -> None:
    """A job that ends well meanwhile changes nothing; the exit code is the target's, and the rest is stopped."""
    composer.write("""
        services:
          test: {image: busybox, command: [sh, -c, "sleep 0.7; echo tested; exit 4"]}
          job: {image: busybox, command: ["true"]}
          db: {image: busybox, command: [sleep, infinity]}
    """)
    done = composer("up", "--exit-code-from", "test", code=4)
    assert "tested" in done.out
    assert set(status(composer).values()) == {"exited"}


def test_exit_code_from_a_target_that_was_killed_is_not_0(composer: Composer) -> None:
    """Another service fails: the target is stopped and ends with 0, which is no success."""
    composer.write(f"""
        services:
          test: {{image: busybox, command: [sh, -c, "{POLITE}"]}}
          db: {{image: busybox, command: [sh, -c, "sleep 0.5; exit 7"]}}
    """)
    composer("up", "--exit-code-from", "test", code=7)
    assert record(composer, "shop-test-1").exit_code == 0
    composer.write(f"""
        services:
          test: {{image: busybox, command: [sh, -c, "{POLITE}"]}}
          db: {{image: busybox, command: [sh, -c, "sleep 0.5; exit 0"]}}
    """)
    composer("up", "--abort-on-container-exit", "--exit-code-from", "test", code=143)


def test_abort_on_container_exit(composer: Composer) -> None:
    """Any end stops all, with its code; but a job's that others wait for."""
    composer.write("""
        services:
          migrate: {image: busybox, command: ["true"]}
          web: {image: busybox, command: [sh, -c, "sleep 0.5; exit 3"], depends_on: {migrate: {condition: service_completed_successfully}}}
          db: {image: busybox, command: [sleep, infinity]}
    """)
    composer("up", "--abort-on-container-exit", code=3)
    assert status(composer)["shop-db-1"] == "exited"


def test_abort_on_container_failure(composer: Composer) -> None:
    """A success stops nothing, a failure all, also while the plan still waits for another service's health."""
    composer.write("""
        services:
          job: {image: busybox, command: ["true"]}
          bad: {image: busybox, command: [sh, -c, "sleep 0.5; exit 9"]}
          slow: {image: busybox, command: [sleep, infinity], healthcheck: {test: ["CMD", "false"], interval: 1s, retries: 100}}
          late: {image: busybox, command: [sleep, infinity], depends_on: {slow: {condition: service_healthy}}}
    """)
    done = composer("up", "--abort-on-container-failure", code=9)
    assert done.seconds < 30
    assert status(composer)["shop-slow-1"] == "exited"


def test_options_that_do_not_go_together(composer: Composer) -> None:
    """One line says which, before anything happens; a service that is not there is an error too."""
    composer.write("services: {web: {image: busybox}}")
    for options in (("-d", "--exit-code-from", "web"), ("--abort-on-container-exit", "--abort-on-container-failure"),
                    ("--wait", "--attach", "web"), ("--always-recreate-deps", "--no-recreate"), ("--build", "--no-build"),
                    ("--attach", "web", "--attach-dependencies")):
        assert "do not go together" in composer("up", *options, code=1).err
    assert composer("up", "--exit-code-from", "nobody", code=1).err == "composer: no such service: nobody\n"
    assert not composer.projects()


def test_whose_logs_are_shown(composer: Composer) -> None:
    """Those of the services named; --attach, --no-attach and --attach-dependencies change that."""
    composer.write("""
        services:
          web: {image: busybox, command: [sh, -c, "echo web speaks; sleep 0.3"], depends_on: [db]}
          db: {image: busybox, command: [sh, -c, "echo db speaks; sleep 0.3"]}
    """)
    for options, speakers in (((), {"web", "db"}), (("web",), {"web"}), (("--attach", "db"), {"db"}), (("--no-attach", "db"), {"web"}),
                              (("--attach-dependencies", "web"), {"web", "db"}), (("--no-attach", "web", "web"), set())):
        said = composer("up", "--no-log-prefix", *options).out
        assert {line.removesuffix(" speaks") for line in said.splitlines()} == speakers, options


def test_a_service_that_is_not_attached_to(composer: Composer) -> None:
    """`attach: false` keeps its log out of `up`, unless --attach names it; `logs` has it all the same."""
    composer.write("""
        services:
          web: {image: busybox, command: [echo, web speaks]}
          db: {image: busybox, attach: false, command: [echo, db speaks]}
    """)
    assert composer("up", "--no-log-prefix").out.split("\n")[:-1] == ["web speaks"]
    assert "db speaks" in composer("logs", "db").out
    assert "db speaks" in composer("up", "--no-log-prefix", "--attach", "db").out


def test_up_says_who_died_at_once(composer: Composer) -> None:
    """With exit code and last words, and exit code 0 as ever; a job that ends well is no death."""
    composer.write("""
        services:
          dies: {image: busybox, command: [sh, -c, "echo no password given; i=0; while [ $$i -lt 9999 ]; do i=$$((i+1)); done; exit 3"]}
          job: {image: busybox, command: ["true"]}
          web: {image: busybox, command: [sleep, infinity]}
    """)
    done = composer("up", "-d")
    assert "composer: container shop-dies-1 exited (3) right after its start\n  last lines of its log:\n    no password given\n" in done.err
    assert "shop-job-1 exited" not in done.err
    assert "shop-web-1 exited" not in done.err


def test_up_says_who_died_a_little_later(composer: Composer) -> None:
    """A shell that waits for a program is looked at longer. A busy machine may not have let it begin by then, so one of three is enough."""
    composer.write("services: {later: {image: busybox, command: [sh, -c, '(sleep 0.4); exit 9']}}")
    said = [composer("up", "-d", "--force-recreate").err for _ in range(3)]
    assert any("container shop-later-1 exited (9) right after its start" in one for one in said)


def test_up_wait_counts_a_finished_job(composer: Composer) -> None:
    """A service that exited with 0 and does not restart is done; one that failed is not."""
    composer.write("services: {job: {image: busybox, command: ['true']}, web: {image: busybox, command: [sleep, infinity]}}")
    composer("up", "--wait")


def test_create_makes_and_does_not_start(composer: Composer) -> None:
    """`create` is `up --no-start`; `start` starts what it made."""
    composer.write("services: {web: {image: busybox, command: [sleep, infinity]}}")
    composer("create", "--scale", "web=2", "-y")
    assert status(composer) == {"shop-web-1": "created", "shop-web-2": "created"}
    composer("start")
    assert set(status(composer).values()) == {"running"}


def test_scale(composer: Composer) -> None:
    """Up and down; --no-deps leaves dependencies alone; nonsense is refused."""
    composer.write(WEB_AND_DB)
    composer("scale", "--no-deps", "web=3")
    assert sorted(status(composer)) == ["shop-web-1", "shop-web-2", "shop-web-3"]
    composer("scale", "web=1")
    assert status(composer) == {"shop-web-1": "running", "shop-db-1": "running"}
    assert "not SERVICE=N" in composer("scale", "web", code=1).err
    assert "no such service: nobody" in composer("scale", "nobody=2", code=1).err


def test_wait(composer: Composer) -> None:
    """The exit code of the last to end; with --down-project that of the first, and the project is gone."""
    composer.write("""
        services:
          one: {image: busybox, command: [sh, -c, "sleep 0.3; exit 1"]}
          two: {image: busybox, command: [sh, -c, "sleep 0.8; exit 2"]}
          ever: {image: busybox, command: [sleep, infinity]}
    """)
    composer("up", "-d")
    assert composer("wait", "one", "two", code=2).out == 'container "shop-two-1" exited with status code 2\n'
    composer("up", "-d")
    composer("wait", "--down-project", "one", "ever", code=1)
    assert not composer.projects()


def test_only_what_is_named_is_recreated(composer: Composer) -> None:
    """--force-recreate takes the services named; --always-recreate-deps what they need, too."""
    composer.write(WEB_AND_DB)
    composer("up", "-d")
    before = ids(composer)
    composer("up", "-d", "--force-recreate", "web")
    forced = ids(composer)
    assert (forced["shop-web-1"] != before["shop-web-1"], forced["shop-db-1"] != before["shop-db-1"]) == (True, False)
    composer("up", "-d", "--always-recreate-deps", "web")
    after = ids(composer)
    assert (after["shop-web-1"] != forced["shop-web-1"], after["shop-db-1"] != forced["shop-db-1"]) == (False, True)


def test_logs_of_a_time_and_of_one_container(composer: Composer) -> None:
    """--since and --until cut both ends off, as times or as how long ago; --index takes one container."""
    composer.write("services: {web: {image: busybox, command: [sh, -c, 'echo early; sleep 1.5; echo late; sleep infinity'], scale: 2}}")
    composer("up", "-d")
    middle = min(record(composer, f"shop-web-{number}").started_at for number in (1, 2)) + 0.9
    deadline = time.monotonic() + 10
    while composer("logs").out.count("late") < 2:
        assert time.monotonic() < deadline
    texts = {option: composer("logs", "--no-log-prefix", option, str(middle)).out.split() for option in ("--since", "--until")}
    assert texts == {"--since": ["late", "late"], "--until": ["early", "early"]}
    assert composer("logs", "--since", "1h").out.count("early") == 2
    assert composer("logs", "--until", "1h").out == ""
    assert composer("logs", "--index", "2", "web").out.splitlines() == ["shop-web-2  | early", "shop-web-2  | late"]
    assert "is no time" in composer("logs", "--since", "yesterday", code=1).err


def test_compatibility_is_about_names(composer: Composer) -> None:
    """Containers and images as docker-compose 1 called them; by the option, and by the variable also in .env."""
    composer.write("""
        services:
          web:
            build: {context: ., dockerfile_inline: "FROM busybox"}
            command: [sleep, infinity]
            pre_start: [{image: busybox, command: ["true"]}]
    """)
    assert composer("config", "--images").out == "shop-web\n"
    assert composer("--compatibility", "config", "--images").out == "shop_web\n"
    composer.write("COMPOSE_COMPATIBILITY=true\n", name=".env")
    composer("up", "-d")
    assert {row["Name"]: row["Image"] for row in composer.ps()} == {"shop_web_1": "shop_web"}
    assert composer("run", "--rm", "web", "echo", "hello").out == "hello\n"
    assert "shop_web" in composer("down", "--rmi", "local").err
    assert composer("--dry-run", "up", "--no-build", code=1).err.count("shop_web is not in composer's image store") == 1
