"""From samples to the page and its plot."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import yaml

from benchmarks.idle import COMMAND, compose_file
from benchmarks.imports import Imports
from benchmarks.memory import Memory
from benchmarks.phases import Phases
from benchmarks.plot import Panel, bars
from benchmarks.readiness import Readiness, Ready
from benchmarks.report import Results, markdown, plot
from benchmarks.times import COMPOSER, FLOOR, Times

SVG = "{http://www.w3.org/2000/svg}"


def results() -> Results:
    made = Results({"kernel": "Linux 6.1"}, "python -m benchmarks --sizes 10 --rounds 3", (10,), 3)
    for seconds in (0.5, 9.0, 0.6):
        made.times.add(COMPOSER, "up", 10, seconds)
    made.times.add(FLOOR, "up", 10, 0.2)
    made.times.add("podman-compose", "up", 10, 7.0)
    made.others = {"docker compose": False, "podman-compose": True}
    made.memory = {10: Memory(1024, 20480, 3072)}
    made.phases = {10: Phases(0.1, 0.2, 0.1, 0.45)}
    made.imports = {"ps": Imports(80, 65.0, (("click", 30.0),))}
    made.config = {10: 0.3}
    made.readiness = Readiness({"db": Ready(1.0, 1.25)}, 4.5)
    return made


def test_the_median_stands_against_the_floor() -> None:
    """One slow round changes nothing."""
    assert "| up | 10 | 0.60 | 0.20 | 3.0 | not installed | 7.00 |" in markdown(results())


def test_what_was_not_measured_is_left_empty() -> None:
    """No sample, no figure: `ps` was not run, and nobody's floor has one."""
    assert "| ps | 10 |  |  |  | not installed |  |" in markdown(results())
    assert Times().ratio("up", 10) is None


def test_the_other_readings_are_on_the_page() -> None:
    """Memory in MiB with its sum, the time outside the supervisor, readiness with its difference."""
    page = markdown(results())
    for row in ("| 10 | 1.0 | 20.0 | 3.0 | 24.0 |", "| 10 | 0.10 | 0.20 | 0.10 | 0.45 | 0.15 |", "| db | 1.00 | 1.25 | 0.25 |",
                "| `ps` | 80 | 65 | click 30 |", "python -m benchmarks --sizes 10 --rounds 3"):
        assert row in page


def test_the_plot_has_a_bar_for_each_value_on_one_scale() -> None:
    """Heights go with the values; a missing value has no bar; the text is escaped."""
    drawing = ElementTree.fromstring(bars([Panel("a < b", {"N = 1": [2.0, 1.0], "N = 2": [4.0, None]})], ("composer", "floor")))
    heights = [float(shape.get("height", 0)) for shape in drawing.iter(f"{SVG}rect")][3:]  # after background and two keys
    assert [round(high / max(heights), 2) for high in heights] == [0.5, 0.25, 1.0]
    assert "a < b" in [text.text for text in drawing.iter(f"{SVG}text")]


def test_only_installed_tools_are_plotted() -> None:
    """A tool that is not there has no key either."""
    assert re.findall(r'text-anchor="start">([^<]+)<', plot(results())) == ["composer", "floor", "podman-compose"]


def test_the_idle_compose_file_says_what_the_floor_runs() -> None:
    """Both run the same command line in N containers."""
    services = yaml.safe_load(compose_file(3))["services"]
    assert [tuple(service["command"]) for service in services.values()] == [COMMAND] * 3
