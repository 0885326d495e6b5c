"""The supervisor, its guard, the holders and the command line itself, killed one after another: nothing of the user's is lost."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import stat
import subprocess
import time
from pathlib import Path

import pytest

from tests.command_line import Composer
from tests.eventually import eventually
from tests.records import ids, is_alive, keepers, kill, pid_of, places_of, record

#: Writes a number each 20 ms.
COUNTER = "i=0; while :; do i=$$((i+1)); echo $$i; usleep 20000; done"


def numbers(composer: Composer, service: str) -> list[int]:
    return [int(line) for line in composer("logs", "--no-log-prefix", service).out.split()]


def new_keeper(composer: Composer, who: str, old: int) -> int:
    """Wait for another guard or supervisor than the old one."""
    def look() -> int:
        now = keepers(composer)[who]
        return now if now != old and is_alive(now) else 0
    return eventually(look)


@pytest.fixture
def shop(composer: Composer) -> Composer:
    composer.write(f"""
        services:
          web:
            image: busybox
            command: [sh, -c, "{COUNTER}"]
            ports: ["127.0.0.1:45872:80"]
          job: {{image: busybox, command: [sh, -c, "while [ ! -e /go ]; do usleep 20000; done; exit 6"]}}
          again: {{image: busybox, command: [sh, -c, "while [ ! -e /go ]; do usleep 20000; done; rm /go; exit 1"], restart: always}}
          client: {{image: busybox, command: [sleep, infinity]}}
    """)
    composer("up", "-d")
    return composer


def test_supervisor_killed(shop: Composer) -> None:
    """The guard brings it back: containers run on, no log line and no exit code is lost, names resolve, policies go on, `up` is empty."""
    places, pids = places_of(shop), {name: pid_of(shop, name) for name in ids(shop)}
    control = os.stat(places.socket)
    assert stat.S_IMODE(control.st_mode) == 0o600
    assert stat.S_ISSOCK(control.st_mode)
    old = keepers(shop)
    ask = "for i in $(seq 15); do nslookup web 127.0.0.11 >/dev/null || exit 9; usleep 50000; done"
    asking = shop.start("exec", "-T", "client", "sh", "-c", ask)
    os.kill(old["supervisor"], signal.SIGKILL)
    shop.inside("job", "touch", "/go")
    new = new_keeper(shop, "supervisor", old["supervisor"])
    assert keepers(shop)["guard"] == old["guard"]

    eventually(lambda: record(shop, "shop-job-1").exit_code == 6)
    said, _ = asking.communicate(timeout=20)
    assert asking.returncode == 0, f"a query was refused or lost: {said}"
    shop.inside("again", "touch", "/go")
    eventually(lambda: record(shop, "shop-again-1").restarts == 1 and record(shop, "shop-again-1").status == "running")
    assert (pid_of(shop, "shop-web-1"), pid_of(shop, "shop-client-1")) == (pids["shop-web-1"], pids["shop-client-1"])
    said = numbers(shop, "web")
    assert said == list(range(1, len(said) + 1))
    assert shop("up", "--dry-run").out.splitlines() == ["1. start container/shop-job-1: exited (6)"]
    shop("up", "-d")
    assert new == keepers(shop)["supervisor"]


def test_guard_killed_and_both_killed(shop: Composer) -> None:
    """The supervisor makes itself a new guard, which does its work; with both gone `ps` says so, and the next command starts them."""
    old = keepers(shop)
    kill(old["guard"])
    guard = new_keeper(shop, "guard", old["guard"])
    assert keepers(shop)["supervisor"] == old["supervisor"]
    kill(old["supervisor"])
    supervisor = new_keeper(shop, "supervisor", old["supervisor"])
    shop.inside("client", "nslookup", "web", "127.0.0.11")

    web = pid_of(shop, "shop-web-1")
    os.kill(guard, signal.SIGKILL)
    os.kill(supervisor, signal.SIGKILL)
    eventually(lambda: not is_alive(guard) and not is_alive(supervisor))
    if "unsupervised" not in shop("ps").err:  # the supervisor was quicker than our second signal
        both = keepers(shop)
        os.kill(both["supervisor"], signal.SIGKILL)
        os.kill(both["guard"], signal.SIGKILL)
        eventually(lambda: "unsupervised" in shop("ps").err)
    shop.inside("job", "touch", "/go")
    eventually(lambda: {row["Name"]: row["State"] for row in shop.ps()}["shop-job-1"] == "exited")
    shop("up", "-d", "client")
    assert "unsupervised" not in shop("ps").err
    assert pid_of(shop, "shop-web-1") == web
    eventually(lambda: record(shop, "shop-job-1").exit_code == 6)
    said = numbers(shop, "web")
    assert said == list(range(1, len(said) + 1))
    shop.inside("client", "nslookup", "web", "127.0.0.11")


def test_holder_killed(shop: Composer) -> None:
    """A container whose conmon was killed goes on; its end is seen, told as "holder lost", and the policy starts it again."""
    for name in ("shop-job-1", "shop-again-1"):
        holder = record(shop, name).holder
        assert holder is not None
        kill(holder.pid)
        assert is_alive(pid_of(shop, name))
    shop.inside("job", "touch", "/go")
    eventually(lambda: record(shop, "shop-job-1").status == "exited")
    lost = record(shop, "shop-job-1")
    assert (lost.exit_code, lost.error) == (255, "holder lost")
    assert "holder lost" in shop("ps", "-a").out
    shop.inside("again", "touch", "/go")
    eventually(lambda: record(shop, "shop-again-1").restarts == 1 and record(shop, "shop-again-1").status == "running")
    assert record(shop, "shop-again-1").holder is not None


def test_first_process_killed_from_outside(shop: Composer) -> None:
    """SIGKILL of PID 1 by somebody else is exit code 137, and the policy brings the container back."""
    kill(pid_of(shop, "shop-web-1"))
    eventually(lambda: record(shop, "shop-web-1").exit_code == 137)
    kill(pid_of(shop, "shop-again-1"))
    eventually(lambda: record(shop, "shop-again-1").restarts == 1 and record(shop, "shop-again-1").status == "running")
    assert {row["Name"]: row["ExitCode"] for row in shop.ps()}["shop-web-1"] == 137


@pytest.mark.parametrize("moment", ["Sandbox", "Created", "Started", "Waiting"])
def test_command_line_killed_in_mid_up(composer: Composer, moment: str) -> None:
    """Whenever `up` is killed, another `up` ends with everything there, once."""
    composer.write("""
        services:
          web: {image: busybox, command: [sleep, infinity], scale: 2, depends_on: {db: {condition: service_healthy}}}
          db: {image: busybox, command: [sh, -c, "sleep 0.3; touch /up; exec sleep infinity"], healthcheck: {test: [CMD, test, -e, /up]}}
    """)
    up = composer.start("--progress", "json", "up", "-d")
    assert up.stdout is not None
    for line in up.stdout:
        if moment.lower() in line.lower():
            break
    up.kill()
    up.communicate()
    composer("up", "-d")
    assert {row["Name"]: row["State"] for row in composer.ps()} == dict.fromkeys(("shop-db-1", "shop-web-1", "shop-web-2"), "running")
    assert composer("up", "--dry-run").out == "nothing to do\n"


@pytest.mark.parametrize("after", [0.15, 0.25, 0.4])
def test_supervisor_killed_in_mid_up(composer: Composer, after: float) -> None:
    """Killed while it makes containers, it leaves no half-made one: the command says so or goes on, and the next `up` completes."""
    composer.write("services: {web: {image: busybox, command: [sleep, infinity], scale: 6}}")
    composer("up", "-d", "--scale", "web=1")
    up = composer.start("up", "-d")
    time.sleep(after)
    os.kill(keepers(composer)["supervisor"], signal.SIGKILL)
    said, _ = up.communicate(timeout=30)
    assert "Traceback" not in said
    composer("up", "-d")
    assert sorted((row["Name"], row["State"]) for row in composer.ps()) == [(f"shop-web-{number}", "running") for number in range(1, 7)]
    folders = {path.name for path in places_of(composer).containers.iterdir()}
    assert folders == set(ids(composer).values())


def test_a_lost_holder_is_told_when_it_happens(composer: Composer) -> None:
    """A container whose conmon was killed runs on; `ps` and `events` say at once that its output and exit code are lost."""
    composer.write("services: {web: {image: busybox, command: [sleep, infinity]}}")
    composer("up", "-d")
    holder = record(composer, "shop-web-1").holder
    assert holder is not None
    kill(holder.pid)
    eventually(lambda: "(holder lost)" in composer("ps").out)
    said = composer("events", "--since", "1h", "--until", "0s").out
    assert "container orphaned" in said
    kill(keepers(composer)["supervisor"])
    composer("stop", "-t", "0")
    assert "Exited (255, holder lost)" in composer("ps", "-a").out
    assert composer("events", "--since", "1h", "--until", "0s").out.count("orphaned") == 1, "a new supervisor knows it already"


def test_nothing_of_the_caller_stays_open(composer: Composer) -> None:
    """A file that the caller has open is closed in guard and supervisor: its reader sees the end, its lock is free."""
    composer.write("services: {web: {image: busybox, command: [sleep, infinity]}}")
    reading, writing = os.pipe()
    try:
        up = composer.argv("up", "-d")
        subprocess.run(up, cwd=composer.folder, env=composer.environment(), pass_fds=[writing], check=True, timeout=60)
        os.close(writing)
        assert select.select([reading], [], [], 5)[0], "somebody still has the pipe open"
        assert os.read(reading, 1) == b""
    finally:
        os.close(reading)


def test_a_container_whose_description_is_lost_stands_in_nobodys_way(shop: Composer) -> None:
    """A crash of the machine may empty a file: the supervisor goes on with the others, and the container can be stopped and made anew."""
    places, job, web = places_of(shop), record(shop, "shop-job-1"), record(shop, "shop-web-1")
    shop.inside("job", "touch", "/go")
    eventually(lambda: record(shop, "shop-job-1").exit_code == 6)
    for one in (job, web):
        places.container(one.id).service.write_bytes(b"")
    old = keepers(shop)["supervisor"]
    os.kill(old, signal.SIGKILL)
    new_keeper(shop, "supervisor", old)
    assert "its description is gone" in shop("up", "-d", code=1).err
    shop("up", "-d", "--force-recreate", "-t", "0")
    assert {row["Name"] for row in shop.ps() if row["State"] == "running"} >= {"shop-job-1", "shop-web-1"}


def test_a_newer_composer_replaces_the_supervisor(shop: Composer, tmp_path: Path) -> None:
    """The first command of a newer version has the older supervisor give way: containers, ports and names go on, and it is done once."""
    newer = tmp_path / "newer"
    newer.mkdir()
    (newer / "sitecustomize.py").write_text("import composer\ncomposer.__version__ = '99.1'\n")
    env = {"PYTHONPATH": str(newer)}
    pids, old = {name: pid_of(shop, name) for name in ids(shop)}, keepers(shop)
    asking = shop.start("exec", "-T", "client", "sh", "-c",
                        "for i in $(seq 30); do nslookup web 127.0.0.11 >/dev/null || exit 9; usleep 50000; done")
    shop("restart", "-t", "0", "job", env=env)
    new = keepers(shop)
    assert new["supervisor"] != old["supervisor"]
    assert new["guard"] != old["guard"]
    assert not is_alive(old["guard"]) and not is_alive(old["supervisor"])
    said, _ = asking.communicate(timeout=20)
    assert asking.returncode == 0, f"a query was refused or lost: {said}"
    for name in ("shop-web-1", "shop-client-1"):
        assert pid_of(shop, name) == pids[name]
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", 45872))

    shop("restart", "-t", "0", "job", env=env)
    shop("restart", "-t", "0", "job")
    assert keepers(shop) == new, "done once; an older command works with the newer supervisor"
    kill(new["supervisor"])
    shop("restart", "-t", "0", "job", env=env)
    assert keepers(shop)["guard"] == new["guard"], "the guard is of the newer version, too"


def test_a_file_that_becomes_another_project_gets_a_supervisor_of_its_own(composer: Composer) -> None:
    """The launcher guesses by folder and options that one is there: it is wrong, and starts the supervisor later."""
    compose = "name: {}\nservices: {{one: {{image: busybox, command: [sleep, infinity]}}}}\n"
    composer.write(compose.format("first"))
    composer("up", "-d", "-t", "0")
    first = keepers(composer)
    composer.write(compose.format("second"))
    composer("up", "-d", "-t", "0")
    try:
        assert [one["Name"] for one in composer.ps()] == ["second-one-1"]
        running = {one["Name"]: one["Status"] for one in json.loads(composer("ls", "--format", "json").out)}
        assert running == {"first": "running(1)", "second": "running(1)"}
    finally:
        composer("down", "-t", "0")
        composer.write(compose.format("first"))
    assert keepers(composer) == first
