"""What `stop`, `start`, `restart` and `down` plan, as printed."""

from __future__ import annotations

from dataclasses import replace
from textwrap import dedent
from typing import Any

import pytest

from composer.model.service import Dependency
from composer.observed import Container, Observed
from composer.plan import teardown
from composer.plan.actions import RemoveContainer, StopContainer
from composer.plan.options import DownOptions
from composer.plan.steps import Plan
from tests.builders import container, everything, project, service

SHOP = project(
    service("db", on=["back"], data={"data": "/d"}),
    service("migrate", needs={"db": "service_healthy"}, on=["back"]),
    service("web", needs={"db": "service_healthy", "migrate": "service_completed_successfully"}, on=["front", "back"]),
)


def check(plan: Plan, golden: str) -> None:
    assert str(plan) == dedent(golden).strip()


def down(observed: Observed, known: Any = SHOP.services, images: tuple[str, ...] = (), **options: Any) -> Plan:
    return teardown.down(observed, DownOptions(**options), "shop", known, images)


def oneoff(**fields: Any) -> Container:
    return container(SHOP, "web", 1, name="shop-web-run-1", id="r" * 64, oneoff=True, **fields)


# ---------------------------------------------------------------- stop, start, restart


def test_stop_takes_dependents_first() -> None:
    """As the labels of the containers have it: the file is not looked at."""
    plan = teardown.stop(everything(SHOP), (), 3)
    check(
        plan,
        """
        1. stop container/shop-web-1: asked for
        2. stop container/shop-migrate-1: asked for [after 1]
        3. stop container/shop-db-1: asked for [after 1, 2]
    """,
    )
    assert plan.actions()[1] == StopContainer("shop-migrate-1", 3, awaited=True)
    assert all(step.after == frozenset() for step in plan.steps)  # one that cannot be stopped does not keep the others


def test_stop_of_a_service_leaves_the_others() -> None:
    """Also those that need it."""
    check(teardown.stop(everything(SHOP), ("db",), None), "1. stop container/shop-db-1: asked for")


def test_stop_leaves_one_off_containers_and_what_has_ended() -> None:
    """There is nothing to stop of a container that has exited."""
    assert not teardown.stop(everything(SHOP, container(SHOP, "db", status="exited"), oneoff()), (), None)


def test_start_takes_dependencies_first_and_waits_as_the_labels_say() -> None:
    """Health and completion gate the starts of those that wait for them."""
    ended = everything(SHOP, *(container(SHOP, name, status="exited", exit_code=0) for name in SHOP.services))
    check(
        teardown.start(ended, ()),
        """
        1. start container/shop-db-1: asked for
        2. await service/db healthy: migrate and web depend on it [after 1]
        3. start container/shop-migrate-1: asked for [after 1, 2]
        4. await service/migrate completed: web depends on it [after 3]
        5. start container/shop-web-1: asked for [after 1, 2, 3, 4]
    """,
    )


def test_start_can_wait_for_all() -> None:
    """Each service once: as others need it, else running or healthy; also what runs already."""
    there = everything(SHOP, container(SHOP, "db"), *(container(SHOP, name, status="exited", exit_code=0) for name in ("migrate", "web")))
    check(
        teardown.start(there, (), wait=True),
        """
        1. start container/shop-migrate-1: asked for
        2. await service/migrate completed: web depends on it [after 1]
        3. start container/shop-web-1: asked for [after 1, 2]
        4. await service/db ready: asked for
        5. await service/web ready: asked for [after 3]
    """,
    )


def test_start_leaves_what_runs_and_what_is_half_made() -> None:
    """Only created and exited containers can be started."""
    odd = everything(SHOP, container(SHOP, "db"), container(SHOP, "web", status="creating"))
    assert not teardown.start(odd, ())


def test_restart_stops_and_starts_in_order() -> None:
    """Every start waits for the stop of the same container."""
    wanted = project(service("db"), service("web", needs=["db"]))
    check(
        teardown.restart(everything(wanted), (), None),
        """
        1. stop container/shop-web-1: asked for
        2. stop container/shop-db-1: asked for [after 1]
        3. start container/shop-db-1: asked for [after 2]
        4. start container/shop-web-1: asked for [after 1, 3]
    """,
    )


def test_restart_takes_along_who_asked_for_it() -> None:
    """`restart: true`, also over several services; others stay."""
    wanted = project(
        service("db"),
        service("api", needs={"db": Dependency(restart=True)}),
        service("web", needs={"api": Dependency(restart=True)}),
        service("log", needs=["db"]),
    )
    plan = teardown.restart(everything(wanted), ("db",), None)
    assert {action.subject for action in plan.actions()} == {f"container/shop-{name}-1" for name in ("db", "api", "web")}
    alone = teardown.restart(everything(wanted), ("db",), None, alone=True)
    assert {action.subject for action in alone.actions()} == {"container/shop-db-1"}


def test_restart_of_a_service_without_containers_does_nothing() -> None:
    """It must not be taken for "all"."""
    assert not teardown.restart(everything(SHOP), ("nobody",), None)


# ---------------------------------------------------------------- down


def test_down_removes_containers_then_networks_then_the_sandbox() -> None:
    """Dependents first; volumes stay. An error in one step does not keep the others: nothing is `after`, all is `behind`."""
    plan = down(everything(SHOP))
    check(
        plan,
        """
        1. stop container/shop-web-1: asked for
        2. stop container/shop-migrate-1: asked for [after 1]
        3. stop container/shop-db-1: asked for [after 1, 2]
        4. remove container/shop-db-1: asked for [after 3]
        5. remove container/shop-migrate-1: asked for [after 2]
        6. remove container/shop-web-1: asked for [after 1]
        7. remove network/shop_back: asked for [after 4, 5, 6]
        8. remove network/shop_front: asked for [after 4, 5, 6]
        9. remove sandbox/shop: asked for [after 4, 5, 6, 7, 8]
    """,
    )
    assert all(step.after == frozenset() for step in plan.steps)


def test_down_with_volumes_and_images_removes_them_last() -> None:
    """When no container holds them any more."""
    only = everything(SHOP, container(SHOP, "db"))
    check(
        down(only, images=("db:1",), volumes=True),
        """
        1. stop container/shop-db-1: asked for
        2. remove container/shop-db-1: asked for [after 1]
        3. remove network/shop_back: asked for [after 2]
        4. remove network/shop_front: asked for [after 2]
        5. remove sandbox/shop: asked for [after 2, 3, 4]
        6. remove volume/shop_data: asked for [after 2]
        7. remove image/db:1: asked for [after 2]
    """,
    )


def test_down_of_a_service_takes_those_that_depend_on_it() -> None:
    """They could not run without it; networks and volumes stay, the rest of the project may use them."""
    wanted = project(*SHOP.services.values(), service("far", on=["front"]))
    check(
        down(everything(wanted), wanted.services, services=("migrate",), volumes=True),
        """
        1. stop container/shop-web-1: asked for
        2. stop container/shop-migrate-1: asked for [after 1]
        3. remove container/shop-migrate-1: asked for [after 2]
        4. remove container/shop-web-1: asked for [after 1]
    """,
    )


def test_down_removes_anonymous_volumes_with_their_container() -> None:
    """Nobody could find them again."""
    removed = [action for action in down(everything(SHOP)).actions() if isinstance(action, RemoveContainer)]
    assert len(removed) == 3
    assert all(action.volumes for action in removed)


def test_down_leaves_orphans_and_what_they_stand_on() -> None:
    """With a warning that names them; volumes stay too, although asked for."""
    before = project(*SHOP.services.values(), service("old", on=["back"]))
    plan = down(everything(before), volumes=True)
    assert plan.warnings == ("left running: shop-old-1; --remove-orphans removes them",)
    assert {step.action.subject.split("/")[0] for step in plan.steps} == {"container"}
    assert "shop-old-1" not in str(plan)


def test_down_removes_orphans_when_asked() -> None:
    """And then the networks as well."""
    before = project(*SHOP.services.values(), service("old", on=["back"]))
    plan = down(everything(before), remove_orphans=True)
    assert "remove container/shop-old-1" in str(plan)
    assert "remove sandbox/shop" in str(plan)
    assert not plan.warnings


def test_down_without_a_file_removes_every_container() -> None:
    """With nothing named, nothing is an orphan."""
    assert "remove sandbox/shop" in str(down(everything(SHOP), known=()))


@pytest.mark.parametrize(
    ("status", "options", "gone"), [("running", {}, False), ("exited", {}, True), ("running", {"remove_orphans": True}, True)]
)
def test_down_and_one_off_containers(status: Any, options: dict[str, Any], gone: bool) -> None:
    """One that ended goes; one that runs is somebody's work, until orphans are removed."""
    plan = down(everything(SHOP, oneoff(status=status)), **options)
    assert ("remove container/shop-web-run-1" in str(plan)) == gone
    assert ("remove sandbox/shop" in str(plan)) == gone


@pytest.mark.parametrize("status", ["creating", "removing", "created", "exited", "running", "paused"])
def test_down_removes_a_container_in_any_state(status: Any) -> None:
    """Also what a killed writer left half-made."""
    assert "remove container/shop-db-1" in str(down(everything(SHOP, container(SHOP, "db", status=status))))


def test_down_copes_with_labels_that_form_a_ring() -> None:
    """Containers of different times may depend on each other: the ring is cut somewhere."""
    first, second = project(service("a", needs=["b"]), service("b")), project(service("a"), service("b", needs=["a"]))
    plan = down(replace(everything(first), containers=(container(first, "a"), container(second, "b"))), known=("a", "b"))
    assert {"remove container/shop-a-1", "remove container/shop-b-1"} <= {step.id for step in plan.steps}
