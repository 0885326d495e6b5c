"""Events and log lines as text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from composer.cli.printer import Printer, sentence
from composer.events import Event
from composer.supervisor.logs import LogLine, parse


def printer(progress: str = "plain", ansi: str = "never", **more: Any) -> Printer:
    return Printer(progress, ansi, **{"prefix": True, "timestamps": False, "color": True, **more})


def event(subject: str, action: str, detail: str = "", seconds: float | None = None) -> Event:
    return Event(1.0, subject, action, detail, seconds=seconds)


def line(text: str, *, at: float = 0, partial: bool = False) -> LogLine:
    return LogLine(at=at, stream="stdout", partial=partial, text=text)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (event("container/shop-db-1", "started", seconds=1.94), " Container shop-db-1  Started  1.9s"),
        (event("service/db", "healthy", seconds=2.0), " Service db  Healthy  2.0s"),
        (event("container/shop-db-1", "exited", "code 3"), " Container shop-db-1  Exited (code 3)"),
        (event("container/shop-db-1", "error", "no room"), " Container shop-db-1  Error: no room"),
        (event("network/shop_front", "created"), " Network shop_front  Created"),
    ],
)
def test_a_sentence_for_an_event(told: Event, expected: str) -> None:
    """What, which, what became of it, how long it took."""
    assert sentence(told) == expected


def test_plain_progress_is_one_line_a_resource_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """Beginnings are for terminals; lines of a build are shown."""
    shown = printer()
    for told in (event("network/n", "creating"), event("network/n", "created", seconds=0.1), event("image/app", "line", "STEP 1")):
        shown.event(told)
    assert capsys.readouterr() == ("", " Network n  Created  0.1s\n image/app: STEP 1\n")


def test_json_progress_is_every_event(capsys: pytest.CaptureFixture[str]) -> None:
    """One object a line, readable as an event again."""
    told = [event("network/n", "creating", "missing"), event("network/n", "created", seconds=0.1)]
    shown = printer("json")
    for one in told:
        shown.event(one)
    assert [Event.from_json(json.loads(text)) for text in capsys.readouterr().err.splitlines()] == told


def test_quiet_progress_is_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """The command's own error is still said."""
    printer("quiet").event(event("network/n", "created"))
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("ends", "told"), [("none", []), ("failed", ["code 3"]), ("all", ["code 0", "code 3"])])
def test_ends_of_containers_are_news_when_asked_for(ends: str, told: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Attached `up` tells them, `stop` does not."""
    shown = printer(ends=ends)
    for how in ("code 0", "code 3"):
        shown.event(event("container/web-1", "exited", how))
    assert capsys.readouterr().err == "".join(f" Container web-1  Exited ({how})\n" for how in told)


def test_log_lines_have_their_containers_name_in_one_column(capsys: pytest.CaptureFixture[str]) -> None:
    """From the first line on, as wide as the longest name to come."""
    shown = printer()
    shown.expect(["web-1", "database-1"])
    shown.log("web-1", "web", line("hello"))
    shown.log("database-1", "database", line("ready"))
    assert capsys.readouterr().out == "web-1       | hello\ndatabase-1  | ready\n"


def test_without_prefix_lines_are_the_containers_own(capsys: pytest.CaptureFixture[str]) -> None:
    """--no-log-prefix."""
    printer(prefix=False).log("web-1", "web", line("hello"))
    assert capsys.readouterr().out == "hello\n"


def test_timestamps_are_utc_and_iso(capsys: pytest.CaptureFixture[str]) -> None:
    """RFC 3339."""
    printer(prefix=False, timestamps=True).log("web-1", "web", line("hello", at=1700000000.5))
    assert capsys.readouterr().out == "2023-11-14T22:13:20.500000Z hello\n"


def test_parts_of_a_long_line_are_put_together(capsys: pytest.CaptureFixture[str]) -> None:
    """One prefix, one newline."""
    shown = printer()
    for part in (line("one ", partial=True), line("two ", partial=True), line("three")):
        shown.log("web-1", "web", part)
    assert capsys.readouterr().out == "web-1  | one two three\n"


def test_colours_tell_containers_apart_when_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    """Never with --no-color; with --ansi always also into a pipe."""
    shown = printer(ansi="always")
    shown.log("a", "a", line("x"))
    shown.log("b", "b", line("x"))
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("\033[36m")
    assert second.startswith("\033[33m")
    printer(ansi="always", color=False).log("a", "a", line("x"))
    assert "\033" not in capsys.readouterr().out


def test_warnings_name_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    """On stderr."""
    printer().warn("careful")
    assert capsys.readouterr() == ("", "composer: careful\n")


@pytest.mark.parametrize(
    "block",
    [
        b"2026-01-01T00:00:00.000000000+00:00 stdout F one\n2026-01-01T00:00:01.000000000+00:00 stderr F  two \n",
        b"2026-01-01T00:00:00.000000000+00:00 stdout P one \n2026-01-01T00:00:00.000000000+00:00 stdout F two\n",
        b"cut by a full disk\n2026-01-01T00:00:00.000000000+00:00 stdout F 2026-01-01T00:00:00.000000000+00:00 stdout F \n",
    ],
)
@pytest.mark.parametrize("more", [{}, {"prefix": False}, {"timestamps": True}])
def test_many_records_are_printed_like_each_of_them(block: bytes, more: dict[str, bool], capsys: pytest.CaptureFixture[str]) -> None:
    """Whole lines at once, parts of lines and what a full disk has cut one by one: nobody sees a difference."""
    one_by_one = printer("plain", "never", **more)
    one_by_one.expect(["shop-web-1", "db"])
    for raw in block.splitlines():
        one_by_one.log("db", "db", parse(raw))
    expected = capsys.readouterr().out
    at_once = printer("plain", "never", **more)
    at_once.expect(["shop-web-1", "db"])
    at_once.records("db", block)
    assert capsys.readouterr().out == expected
