"""What is measured, in the order of the page. One module a measurement: a function from a Bench to a Section, and a row here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from benchmarks import config, idle, imports, keeping, names, phases, readiness, reload, temporary
from benchmarks.bench import Bench
from benchmarks.section import Section

MEASUREMENTS: Mapping[str, Callable[[Bench], Section]] = {
    "idle": idle.measure,
    "phases": phases.measure,
    "imports": imports.measure,
    "config": config.measure,
    "mvc": readiness.measure,
    "temporary": temporary.measure,
    "names": names.measure,
    "reload": reload.measure,
    "keeping": keeping.measure,
}
