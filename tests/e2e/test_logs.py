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
