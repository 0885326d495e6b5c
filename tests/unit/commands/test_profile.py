"""Where the time went: stamps and events -> rows -> a table."""

from __future__ import annotations

from composer.cli.phases import text
from composer.commands.profile import Row, report
from composer.events import Event

EVENTS = (
    Event(101, "image/a", "pulling"), Event(103, "image/a", "pulled", seconds=2.0),
    Event(104, "container/web-1", "creating"), Event(104, "container/db-1", "creating"),
    Event(104.5, "container/db-1", "created", seconds=0.5), Event(104.25, "container/web-1", "created", seconds=0.25),
    Event(105, "service/db", "waiting"), Event(105, "service/db", "awaiting"), Event(107, "service/db", "healthy", seconds=2.0),
    Event(108, "container/db-1", "healthy"),
)
TIMING = {
    "begun": 100.5,
    "stages": [["observing", 101], ["images", 103], ["planning", 103.5], ["checking", 104], ["executing", 107], ["settling", 107.5]],
    "path": [{"step": "create container/db-1", "cause": "missing", "began": 104, "ended": 104.5},
             {"step": "await service/db healthy", "cause": "web depends on it", "began": 105, "ended": 107}],
}


def test_the_rows_of_the_first_level_add_up_to_the_whole() -> None:
    """From the start of the process to the answer; nothing is counted twice."""
    made = report(99, [("start, imports", 100.0)], TIMING, EVENTS, 108)
    assert sum(row.total for row in made.rows if not row.depth) == made.whole == 9
    assert made.rows[0] == Row("start, imports", 1)


def test_steps_are_counted_below_their_stage() -> None:
    """With how many, how long all of them and the longest took; a container's health is no step."""
    rows = report(99, [], TIMING, EVENTS, 108).rows
    assert [row for row in rows if row.depth] == [
        Row("pull image", 2.0, 1, 1, 2.0, "a"),
        Row("create container", 0.75, 1, 2, 0.5, "db-1"),
        Row("wait for service", 2.0, 1, 1, 2.0, "db"),
    ]
    names = [row.phase for row in rows]
    assert names.index("images") + 1 == names.index("pull image") < names.index("carry out the plan") < names.index("wait for service")


def test_the_table_shows_the_longest_way() -> None:
    """Step, seconds, and who waited."""
    lines = text(report(99, [], TIMING, EVENTS, 108)).splitlines()
    assert ["create", "container", "2", "0.750", "0.375", "0.500", "db-1"] in [line.split() for line in lines]
    assert lines[-1].split() == ["await", "service/db", "healthy", "2.000", "web", "depends", "on", "it"]
