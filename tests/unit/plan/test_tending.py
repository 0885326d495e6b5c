"""What `rm`, `pause`, `unpause` and `kill --remove-orphans` plan."""

from __future__ import annotations

from dataclasses import replace

from composer.observed import Container, Observed
from composer.plan import teardown
from composer.plan.actions import RemoveContainer
from tests.builders import container, everything, project, service

SHOP = project(service("db"), service("web", needs=["db"]))


def observed(*changed: Container) -> Observed:
    """Everything runs, but for those that are given."""
    whole = everything(SHOP)
    names = {one.name for one in changed}
    return replace(whole, containers=(*(one for one in whole.containers if one.name not in names), *changed))


def oneoff(status: str) -> Container:
    return container(SHOP, "web", 1, name="single", id="r" * 64, oneoff=True, status=status)


def test_rm_takes_what_does_not_run() -> None:
    """One-off containers too, but not when services are named."""
    there = observed(container(SHOP, "db", status="exited"), oneoff("exited"))
    plan = teardown.remove(there, (), stop=False, volumes=True)
    assert plan.actions() == (RemoveContainer("shop-db-1", True), RemoveContainer("single", True))
    assert teardown.remove(there, ("web",), stop=False, volumes=False).actions() == ()
    assert not teardown.remove(observed(oneoff("running")), (), stop=False, volumes=False)


def test_rm_can_stop_first() -> None:
    """Dependents first, and each is removed behind its stop."""
    assert str(teardown.remove(everything(SHOP), (), stop=True, volumes=False)) == "\n".join([
        "1. stop container/shop-web-1: asked for",
        "2. stop container/shop-db-1: asked for [after 1]",
        "3. remove container/shop-db-1: asked for [after 2]",
        "4. remove container/shop-web-1: asked for [after 1]",
    ])


def test_pause_and_unpause_take_what_they_can() -> None:
    """What runs is paused, what is paused goes on; all else stays as it is."""
    there = observed(container(SHOP, "db", status="paused"))
    assert str(teardown.pause(there, ())) == "1. pause container/shop-web-1: asked for"
    assert str(teardown.unpause(there, ())) == "1. unpause container/shop-db-1: asked for"
    assert not teardown.pause(there, ("db",))


def test_orphans_are_those_that_nobody_names() -> None:
    """One-off containers are not."""
    plan = teardown.orphans(observed(oneoff("running")), ("web",))
    assert str(plan) == "1. remove container/shop-db-1: no such service any more"
