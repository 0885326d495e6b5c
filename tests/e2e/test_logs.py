"""Logs over restarts: no line is lost, none is doubled."""

from __future__ import annotations

from tests.command_line import Composer
from tests.eventually import eventually
from tests.records import record


def test_no_line_is_lost_over_restarts(composer: Composer) -> None:
    """A service that ends at once and is started again by its policy, and by the user, has every line of each run, followed or read."""
    composer.write("""
        services:
          web: {image: busybox, command: [sh, -c, "seq 1 2000; exit 1"], restart: "on-failure:2"}
          keeper: {image: busybox, command: [sleep, infinity]}
    """)
    once = [str(number) for number in range(1, 2001)]
    composer("up", "-d", "keeper")
    following = composer.start("logs", "-f", "--no-log-prefix")
    composer("up", "-d")
    eventually(lambda: runs_over(composer, 3))
    composer("start", "web")
    eventually(lambda: runs_over(composer, 6))
    composer("stop")
    said, _ = following.communicate(timeout=15)
    assert following.returncode == 0, "it ends when nothing runs any more"
    lines = composer("logs", "--no-log-prefix", "web").out.split()
    assert lines == once * 6
    assert said.split() == lines


def runs_over(composer: Composer, count: int) -> bool:
    """Whether so many runs have said all, and the policy has given up."""
    lines = composer("logs", "--no-log-prefix", "web").out.count("\n")
    return lines == 2000 * count and record(composer, "shop-web-1").status == "exited"


def test_long_and_broken_lines_come_whole(composer: Composer) -> None:
    """A line longer than any buffer, one without an end, and bytes that are no text are shown as they were written."""
    composer.write(r"""
        services:
          web: {image: busybox, command: [sh, -c, "head -c 100000 /dev/zero | tr '\\0' x; echo; printf 'a\\377b\\n'; printf end"]}
    """)
    composer("up", "--wait")
    said = composer("logs", "--no-log-prefix").out
    assert said.split("\n")[0] == "x" * 100_000
    assert said.split("\n")[1] in ("a�b", "a\udcffb", "a\\xffb")
    assert said.split("\n")[2].startswith("end")


def test_the_supervisors_own_log(composer: Composer) -> None:
    """Its plans with their causes, events by level, and requests; followed, until the project is gone. Other options do not go with it."""
    composer.write("services: {web: {image: busybox, command: [sh, -c, 'sleep 0.2; exit 4'], restart: 'on-failure:1'}}")
    composer("up", "-d")
    eventually(lambda: "1. start container/shop-web-1: exited (4), restart: on-failure:1" in composer("logs", "--supervisor").out)
    said = composer("logs", "--supervisor").out
    assert "INFO    container/shop-web-1 exited: code 4" in said
    assert "INFO    up took" in said
    assert len(composer("logs", "--supervisor", "-n", "2").out.splitlines()) == 2
    following = composer.start("logs", "--supervisor", "-f", "-n", "1")
    composer("down", "-t", "0")
    out, _ = following.communicate(timeout=20)
    assert following.returncode == 0
    assert "stop container/shop-web-1" in out or "remove container/shop-web-1" in out
    assert "--supervisor does not go with services" in composer("logs", "--supervisor", "web", code=1).err
