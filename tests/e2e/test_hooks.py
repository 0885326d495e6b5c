"""Life-cycle hooks: what they are, when they run, and what becomes of the start or stop that they belong to."""

from __future__ import annotations

import os
import signal

from tests.command_line import Composer
from tests.eventually import eventually
from tests.records import keepers, record

HOOKED = """
    services:
      web:
        image: busybox
        command: [sh, -c, "cat /data/*; sleep infinity"]
        volumes: [/data]
        environment: {SAID: by service}
        pre_start:
          - command: [sh, -c, "echo one > /data/1; echo in front"]
          - command: [sh, -c, "cat /data/1; echo two of $$SAID > /data/2"]
            environment: {SAID: hook}
        post_start:
          - command: [sh, -c, "id -un; pwd; echo $$SAID; echo $$MORE; touch /data/started"]
            user: root
            working_dir: /tmp
            environment: [MORE=z]
          - {command: [grep, CapEff, /proc/self/status], privileged: true}
        pre_stop:
          - {command: [sh, -c, "echo going; echo gone > /data/3"]}
"""


def lines(text: str, name: str) -> list[str]:
    """What is said with that name in front."""
    return [line.partition("|")[2].strip() for line in text.splitlines() if line.partition("|")[0].strip() == name]


def test_moments(composer: Composer) -> None:
    """pre_start shares volumes and comes first, post_start and pre_stop run inside; all speak in the log of `up`, and are events."""
    composer.write(HOOKED)
    up = composer.start("up", "--no-color")
    eventually(lambda: composer.ps("web") and record(composer, "shop-web-1").hooks_due == 0 and "pong" in composer.inside(
        "web", "sh", "-c", "test -e /data/started && echo pong"), timeout=20)
    up.send_signal(signal.SIGINT)
    said = up.communicate(timeout=30)[0]
    assert lines(said, "shop-web-pre_start-1") == ["in front"] and lines(said, "shop-web-pre_start-2") == ["one"]
    assert lines(said, "shop-web-1") == ["one", "two of hook"]
    inside = lines(said, "shop-web-1 ->")
    assert inside[:4] == ["root", "/tmp", "by service", "z"] and inside[5:] == ["going"]
    assert int(inside[4].split()[1], 16).bit_count() > 30
    assert [row["Name"] for row in composer.ps()] == ["shop-web-1"]
    happened = [line for line in composer("events", "--since", "1h", "--until", "0s").out.splitlines() if "hook" in line]
    assert sum("post_start" in line for line in happened) == 2 and sum("pre_stop" in line for line in happened) == 1


def test_restart_runs_them_and_a_crash_does_not(composer: Composer) -> None:
    """As with docker compose: what the restart policy does is no start of the user's."""
    composer.write("""
    services:
      web:
        image: busybox
        command: [sleep, infinity]
        restart: always
        post_start: [{command: [sh, -c, "echo run >> /log"]}]
        pre_stop: [{command: [sh, -c, "echo stop >> /log"]}]
    """)
    composer("up", "-d")
    composer("restart", "-t", "0")
    assert composer.inside("web", "cat", "/log").split() == ["run", "stop", "run"]
    process = record(composer, "shop-web-1").process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    eventually(lambda: record(composer, "shop-web-1").restarts == 1 and record(composer, "shop-web-1").status == "running", timeout=20)
    assert composer.inside("web", "cat", "/log").split() == ["run", "stop", "run"]


def test_a_pre_start_that_fails(composer: Composer) -> None:
    """The service does not start, the container stays to be looked at, and goes with the next `up`."""
    page = composer.write("services: {web: {image: busybox, command: [sleep, infinity], "
                          "pre_start: [{command: [sh, -c, 'echo no luck; exit 3']}]}}")
    failed = composer("up", "-d", code=1).err
    assert "pre_start hook failed with exit code 3" in failed and "no luck" in failed
    assert {row["Name"]: row["State"] for row in composer.ps()} == {"shop-web-1": "created", "shop-web-pre_start-1": "exited"}
    page.write_text(page.read_text().replace("exit 3", "exit 0"))
    composer("up", "-d")
    assert {row["Name"]: row["State"] for row in composer.ps()} == {"shop-web-1": "running"}


def test_a_post_start_that_fails(composer: Composer) -> None:
    """`up` fails with its last lines, who depends on the service is not started, the container runs on."""
    composer.write("""
    services:
      web: {image: busybox, command: [sleep, infinity], post_start: [{command: [sh, -c, "echo why; exit 4"]}]}
      next: {image: busybox, command: [sleep, infinity], depends_on: [web]}
    """)
    failed = composer("up", "-d", code=1).err
    assert "post_start hook `sh -c 'echo why; exit 4'` failed with exit code 4" in failed and "| why" in failed
    assert {row["Name"]: row["State"] for row in composer.ps()} == {"shop-web-1": "running", "shop-next-1": "created"}
    composer("up", "-d")  # it runs: nothing is to be done for it


def test_a_pre_stop_that_fails(composer: Composer) -> None:
    """`stop` leaves the container running, as docker compose does; `down` says it and goes on."""
    composer.write("services: {web: {image: busybox, command: [sleep, infinity], pre_stop: [{command: ['false']}]}}")
    composer("up", "-d")
    assert "pre_stop hook `false` failed with exit code 1" in composer("stop", code=1).err
    assert [row["State"] for row in composer.ps()] == ["running"]
    assert "Warning: container shop-web-1: pre_stop hook" in composer("down").err
    assert not composer.projects()


def test_a_supervisor_that_is_killed_amid_a_hook(composer: Composer) -> None:
    """The next one runs it again, and those behind it."""
    composer.write("""
    services:
      web:
        image: busybox
        command: [sleep, infinity]
        post_start:
          - {command: [sh, -c, "echo first >> /log"]}
          - {command: [sh, -c, "echo begins >> /log; until test -e /go; do sleep 0.05; done; echo ends >> /log"]}
          - {command: [sh, -c, "echo last >> /log"]}
    """)
    up = composer.start("up", "-d")
    eventually(lambda: composer.ps() and record(composer, "shop-web-1").hooks_due == 2
               and "begins" in composer.inside("web", "cat", "/log"), timeout=20)
    os.kill(keepers(composer)["supervisor"], signal.SIGKILL)
    assert up.wait(timeout=30) != 0
    up.communicate()
    eventually(lambda: composer.inside("web", "cat", "/log").split().count("begins") == 2, timeout=20)
    composer.inside("web", "touch", "/go")
    eventually(lambda: record(composer, "shop-web-1").hooks_due == 0, timeout=20)
    assert composer.inside("web", "cat", "/log").split()[-1] == "last"


def test_a_hook_that_hangs_is_given_up(composer: Composer) -> None:
    """Ctrl-C ends the wait; the container can be taken down."""
    composer.write("services: {web: {image: busybox, command: [sleep, infinity], post_start: [{command: [sleep, '1000']}]}}")
    up = composer.start("up", "-d")
    eventually(lambda: composer.ps() and record(composer, "shop-web-1").hooks_due == 1 and composer.ps()[0]["State"] == "running",
               timeout=20)
    up.send_signal(signal.SIGINT)
    up.communicate(timeout=20)
    assert up.returncode == 130
    composer("down", "-t", "0")
    assert not composer.projects()
