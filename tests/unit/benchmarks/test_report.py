"""From samples to the page and its drawing."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from xml.etree import ElementTree

import yaml

from benchmarks import config, idle_text, names, phases, readiness, reload, temporary
from benchmarks.measurements import MEASUREMENTS
from benchmarks.plot import Panel, lines
from benchmarks.readiness import Moments, Readiness
from benchmarks.readings import Readings
from benchmarks.report import page
from benchmarks.section import Goal, Section
from benchmarks.times import COMPOSER, FLOOR
from benchmarks.work import COMMAND, compose_file

SVG = "{http://www.w3.org/2000/svg}"


def readings() -> Readings:
    made = Readings((10, 50))
    for seconds in (0.5, 9.0, 0.6):
        made.times.add(COMPOSER, "up", 10, seconds)
    made.times.add(FLOOR, "up", 10, 0.2)
    made.times.add("podman-compose", "up", 10, 7.2)
    made.times.add(COMPOSER, "up", 50, 2.0)
    made.times.add(FLOOR, "up", 50, 0.5)
    made.memory = {(COMPOSER, 10): {"guard": 1024, "supervisor": 20480, "conmons": 3072}, ("podman-compose", 10): {"all": 2048}}
    made.absent = {"docker compose": "not installed (dockerd)"}
    return made


def test_the_median_stands_with_its_spread_against_the_floor_and_the_others() -> None:
    """One slow round changes the spread only; a tool without figures has no column, and it is said why."""
    text = idle_text.section(readings()).text
    assert "|  | N | composer | floor | x | podman-compose | x |" in text
    assert "| `up` | 10 | 0.60 (0.50 to 9.00) | 0.20 | 3.0 | 7.20 | 12.0 |" in text
    assert "- docker compose: not installed (dockerd)" in text


def test_what_was_not_measured_is_left_empty() -> None:
    """No sample, no figure and no goal."""
    section = idle_text.section(readings())
    assert "| `ps` | 10 |  |  |  |  |  |" in section.text
    assert {goal.figure for goal in section.goals} == {"`up` of 50", "`up` of 50 against the floor", "memory with 10 services"}


def test_memory_is_on_the_page() -> None:
    """In MiB, with its sum beside the others'."""
    assert "| 10 | 1.0 | 20.0 | 3.0 | 24.0 | 2.0 |" in idle_text.section(readings()).text


def test_phases_stand_in_a_column_for_each_size() -> None:
    """Of steps that run side by side the mean is shown; a phase that only some sizes have leaves the others empty."""
    line = {"rows": [{"phase": "plan", "total": 0.25}, {"phase": "start container", "depth": 1, "total": 0.5, "count": 5}], "whole": 0.75}
    read = phases.parse(json.dumps({"at": 1.0, "action": "started"}) + "\n" + json.dumps({"profile": line}))
    text = phases.section({1: phases.Profile({"plan": 0.125}, 0.5), 5: read}, 3).text
    assert "|  | N = 1 | N = 5 |" in text
    assert "| plan | 0.125 | 0.250 |" in text
    assert "| &emsp;start container |  | 0.100 |" in text
    assert "| **all** | 0.500 | 0.750 |" in text


def test_goals_say_whether_they_are_reached() -> None:
    """Memory is 40 MB and 0.6 MB a service; 50 services may take three times the floor."""
    by_name = {goal.figure: goal for goal in idle_text.section(readings()).goals}
    assert by_name["`up` of 50 against the floor"] == Goal("`up` of 50 against the floor", 3.0, 4.0, "times")
    assert not by_name["`up` of 50 against the floor"].reached
    assert by_name["memory with 10 services"].limit == 46.0
    assert by_name["memory with 10 services"].reached


def test_the_page_has_facts_goals_and_sections_in_their_order() -> None:
    """The command that makes it again is there too."""
    sections = [Section("First", "one", (Goal("speed", 0.25, 0.3),)), Section("Second", "two", (Goal("failures", 0, 0, ""),))]
    text = page({"kernel": "Linux 6.1"}, "python -m benchmarks --sizes 10", sections)
    found = [text.index(words) for words in ("| kernel | Linux 6.1 |", "| speed | 0.25 s | 0.3 s | **no** |", "| failures | 0 | 0 | yes |",
                                             "## First\n\none", "## Second\n\ntwo")]
    assert found == sorted(found)
    assert "`python -m benchmarks --sizes 10`" in text


def test_every_measurement_is_a_function_of_a_bench() -> None:
    """Their names are what --only takes."""
    assert all(callable(measure) and "," not in name for name, measure in MEASUREMENTS.items())


def test_the_plot_has_a_point_for_each_value_on_one_scale() -> None:
    """Both scales are logarithmic: ten times as much is as far in every panel; the text is escaped; no ground hides the page's."""
    drawing = ElementTree.fromstring(lines([Panel("a < b", {"one": [(1, 0.1), (10, 1.0), (100, 10.0)]})], ("one",)))
    points = [(float(dot.get("cx", 0)), float(dot.get("cy", 0))) for dot in drawing.iter(f"{SVG}circle")][1:]  # after the key
    steps = [(round(right[0] - left[0], 1), round(right[1] - left[1], 1)) for left, right in pairwise(points)]
    assert len(steps) == 2
    assert steps[0] == steps[1]
    assert steps[0][0] > 0 > steps[0][1]
    assert "a < b (s)" in [text.text for text in drawing.iter(f"{SVG}text")]
    assert not list(drawing.iter(f"{SVG}rect"))


def test_only_measured_tools_are_drawn() -> None:
    """A tool that is not there has no key either."""
    drawing = idle_text.section(readings()).drawings["benchmarks.svg"]
    assert re.findall(r'y="18" text-anchor="start">([^<]+)<', drawing) == ["composer", "floor", "podman-compose"]


def test_the_idle_compose_file_says_what_the_floor_runs() -> None:
    """Both run the same command line in N containers; `config` is measured with more attributes of the same services."""
    services = yaml.safe_load(compose_file(3))["services"]
    assert [tuple(service["command"]) for service in services.values()] == [COMMAND] * 3
    richer = yaml.safe_load(config.project(3))["services"]
    assert [service["command"] for service in richer.values()] == [service["command"] for service in services.values()]
    assert richer["s2"]["depends_on"] == ["s1"]


def test_config_times_stand_beside_the_reference() -> None:
    """Without a reference, its column says so."""
    section = config.section({10: config.Durations(0.1, None), 7: config.Durations(0.2, 0.05)}, 3)
    assert "| 10 | 0.10 | not installed |" in section.text
    assert "| 7 | 0.20 | 0.05 |" in section.text
    assert section.goals == (Goal("`config` of 10", 0.16, 0.1),)


def test_the_critical_path_needs_what_its_services_need() -> None:
    """Composer's own time is what is more than that."""
    one = Readiness({"db": Moments(0.5, 1.5, 1.6), "web": Moments(1.75, 2.25, 2.5)}, 2.5)
    assert (one.path, one.healthy, round(one.ratio, 2)) == (1.5, 2.5, 1.67)
    section = readiness.section([one])
    assert "| db | 0.50 | 1.50 | 1.00 | 1.60 |" in section.text
    assert not section.goals[0].reached


def test_healthy_before_the_real_server_is_counted() -> None:
    """Each time, in whatever round; shown is the round that was closest to it."""
    rounds = [{"a": temporary.Seen(1.0, 1.2)}, {"a": temporary.Seen(1.0, 0.9)}]
    section = temporary.section(rounds)
    assert "| a | 1.000 | 0.900 | -0.100 |" in section.text
    assert section.goals[0].measured == 1


def test_failed_queries_are_counted() -> None:
    """None stands for one without a right answer."""
    section = names.section([0.001, None, 0.2])
    assert "| 3 | 1 | 100.50 | 200 |" in section.text
    assert section.goals[0].measured == 1


def test_hot_reload_says_what_it_measured_and_what_was_to_be_reached() -> None:
    """The middle and the 95th percentile of all saves; a slow restart is not hidden."""
    visible = [10.0] * 94 + [20.0] * 4 + [99.0] * 2
    part = reload.section(reload.Figures(visible, [200.0, 400.0, 500.0], 7000.0, 4000.0, 0.0, 17 * 1024))
    assert "| saved to visible, median | 10 ms |" in part.text
    assert "| saved to visible, 95th percentile | 20 ms |" in part.text
    assert "7000 ms (4000 ms of writing)" in part.text
    assert [goal.reached for goal in part.goals] == [True, True, False]
