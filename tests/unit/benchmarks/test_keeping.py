"""The page's part about idle services."""

from __future__ import annotations

import json

from benchmarks.keeping import CHECKS, SERVICES, Cost, compose_file, section
from tests.compose_folder import Folder


def test_every_check_is_asked_each_second(tmp_path: object) -> None:
    """All compose files load, and ask for health at the same pace, but for the one without."""
    for name, check in CHECKS.items():
        services = Folder(tmp_path).load(compose_file(check)).project.services  # type: ignore[arg-type]
        assert len(services) == SERVICES
        asked = [(one.ready or one.healthcheck) for one in services.values()]
        assert {one.interval for one in asked if one} == (set() if name == "none" else {1.0})
        assert json.loads(compose_file(check))["services"].keys() == services.keys()


def test_the_section_has_a_row_for_each() -> None:
    """With both goals on what costs nothing and on the dearest probe of our own."""
    made = section({name: Cost(1.5, 2.5, 10 << 10, 11 << 10) for name in CHECKS}, 600)
    assert made.text.count("| 1.5 | 2.5 | 10.0 | 11.0 |") == len(CHECKS)
    assert "for 600 s" in made.text
    assert [goal.reached for goal in made.goals] == [False, True]
