"""The plan of a one-off container."""

from __future__ import annotations

from composer.model.blueprint import Blueprint
from composer.plan.oneoff import oneoff
from tests import builders


def test_orphans_go_when_asked_for() -> None:
    """Containers of services that the file does not name are stopped and removed; else they are no business of `run`."""
    wanted = builders.project(builders.service("web"))
    stray = builders.container(builders.project(builders.service("stray")), "stray")
    observed = builders.everything(wanted, stray)
    blueprint = Blueprint.of(wanted.services["web"], wanted)
    plans = [str(oneoff(wanted, observed, blueprint, name="one", stdin=False, remove_orphans=asked)) for asked in (False, True)]
    assert ["remove container/" in plan for plan in plans] == [False, True]
    assert [plan.count("create container/one") for plan in plans] == [1, 1]
