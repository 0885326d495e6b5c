"""`ps` believes a record only with proof."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from composer.commands.ps import containers
from composer.observed import Container, Process, Status
from composer.runtime.signals import identify
from composer.store import Places, ProjectPlaces, write_json

GONE = Process(1, 1, "another boot")


@pytest.fixture
def places(tmp_path: Path) -> ProjectPlaces:
    return Places(tmp_path / "root", tmp_path / "run").project("abcdefabcdef")


def keep(places: ProjectPlaces, status: Status, process: Process | None) -> None:
    one = Container(id="c1", name="shop-web-1", service="web", number=1, status=status, process=process)
    write_json(places.container("c1").record, one.to_json())


@pytest.mark.parametrize(
    ("status", "lives", "waits", "shown"),
    [
        ("running", True, False, ["running"]),
        ("running", True, True, ["created"]),
        ("running", False, False, ["exited"]),
        ("removing", True, False, ["running"]),
        ("removing", True, True, []),
        ("removing", False, False, []),
        ("creating", False, False, []),
    ],
)
def test_a_record_is_told_as_far_as_it_is_true(places: ProjectPlaces, status: Status, lives: bool, waits: bool, shown: list[str]) -> None:
    """Nobody runs whom `ps` does not show, and nobody is shown as running who waits for `start` or is gone."""
    keep(places, status, identify(os.getpid()) if lives else GONE)
    if waits:
        gate = places.container("c1").gate
        gate.parent.mkdir(parents=True)
        gate.touch()
    assert [one.status for one in containers(places)] == shown
