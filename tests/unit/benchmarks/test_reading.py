"""The benchmark's readings of other programs' text."""

from __future__ import annotations

from benchmarks.imports import parse
from benchmarks.memory import pss
from benchmarks.readiness import moments
from benchmarks.watching import first, told

IMPORTS = """\
import time: self [us] | cumulative | imported package
import time:      1500 |       1500 |   click.core
import time:       500 |       2000 | click
import time:      3000 |       3000 | composer.cli
 Container shop-web-1  Started  0.1s
"""


def test_import_times_are_summed_by_top_level_package() -> None:
    """Each module counts by its own time, so that nothing is counted twice; the header and other output do not count."""
    read = parse(IMPORTS)
    assert (read.modules, read.total, read.heaviest) == (3, 5.0, (("composer", 3.0), ("click", 2.0)))


def test_pss_is_the_total_not_one_of_its_parts() -> None:
    """smaps_rollup also has Pss_Dirty and Pss_Anon."""
    assert pss("00400000-7fff Rss: \nRss:  9000 kB\nPss:  4321 kB\nPss_Dirty:  77 kB\nPss_Anon:  78 kB\n") == 4321


EVENTS = """\
 a line of another program's
{"at": 11.0, "subject": "container/shop-db-1", "action": "started", "service": "db"}
{"at": 12.5, "subject": "container/shop-db-1", "action": "healthy", "service": "db"}
{"at": 12.0, "subject": "service/db", "action": "healthy"}
{"at": 12.1, "subject": "container/shop-migrate-1", "action": "started", "service": "migrate"}
{"at": 12.3, "subject": "container/shop-migrate-1", "action": "exited", "service": "migrate"}
{"at": 12.4, "subject": "container/shop-app-1", "action": "started", "service": "app"}
{"at": 12.9, "subject": "service/app", "action": "healthy"}
{"at": 13.0, "subject": "container/shop-web-1", "action": "started", "service": "web"}
{"at": 13.2, "subject": "service/web", "action": "healthy"}
"""


def test_the_first_healthy_event_of_a_service_counts() -> None:
    """The service's own event and its container's both tell it; later ones are no news."""
    assert first(told(EVENTS), "db", "healthy") == 12.0
    assert first(told(EVENTS), "web", "exited") is None


def test_a_service_without_a_port_is_ready_when_it_has_ended() -> None:
    """The others when their port answered; all since `up` was called."""
    found = moments(EVENTS, {"db": 11.75, "app": 12.75, "web": 13.125}, 10.0)
    assert (found["db"].started, found["db"].ready, found["db"].healthy) == (1.0, 1.75, 2.0)
    assert round(found["migrate"].needs, 3) == 0.2
    assert found["migrate"].ready == found["migrate"].healthy
