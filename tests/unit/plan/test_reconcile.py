"""What `up` plans, as printed: the golden strings are what `up --dry-run` shows."""

from __future__ import annotations

from dataclasses import replace
from textwrap import dedent
from typing import Any

import pytest

from composer.errors import ComposerError
from composer.model.mounts import Mount
from composer.model.network import Attachment
from composer.model.project import Project
from composer.model.service import Dependency
from composer.observed import Container, Observed
from composer.plan import teardown
from composer.plan.actions import CreateContainer, RemoveContainer, StartContainer, StopContainer
from composer.plan.options import DownOptions, UpOptions
from composer.plan.reconcile import reconcile, selected
from composer.plan.steps import Plan
from tests.builders import container, everything, network_state, nothing, project, service

SHOP = project(
    service("db", on=["back"], data={"data": "/d"}),
    service("migrate", needs={"db": "service_healthy"}, on=["back"]),
    service("web", needs={"db": "service_healthy", "migrate": "service_completed_successfully"}, on=["front", "back"]),
)
WEB = project(service("web", on=["front"]))


def shop(**changed: dict[str, Any]) -> Observed:
    """The shop as `up` left it, its job finished; `changed`: service -> fields of its container that are different."""
    finished: dict[str, dict[str, Any]] = {"migrate": {"status": "exited", "exit_code": 0}}
    return everything(SHOP, *(container(SHOP, name, **{**finished.get(name, {}), **changed.get(name, {})}) for name in SHOP.services))


def up(wanted: Project, observed: Observed, **options: Any) -> Plan:
    return reconcile(wanted, observed, UpOptions(**options))


def check(plan: Plan, golden: str) -> None:
    assert str(plan) == dedent(golden).strip()


def of(plan: Plan, kind: type[Any]) -> list[Any]:
    return [action for action in plan.actions() if isinstance(action, kind)]


# ---------------------------------------------------------------- nothing there, everything there


def test_the_first_up_makes_everything_and_orders_starts_only() -> None:
    """Containers are created before what they wait for is ready, but never in the way of what can start at once."""
    check(
        up(SHOP, nothing(SHOP)),
        """
        1. create sandbox/shop: missing
        2. create network/shop_back: missing [after 1]
        3. create network/shop_front: missing [after 1]
        4. create volume/shop_data: missing
        5. create container/shop-db-1: missing [after 1, 2, 4]
        6. start container/shop-db-1: created [after 2, 5]
        7. await service/db healthy: migrate and web depend on it [after 6]
        8. create container/shop-migrate-1: missing [after 1, 2, 6]
        9. start container/shop-migrate-1: created [after 2, 6, 7, 8]
        10. await service/migrate completed: web depends on it [after 9]
        11. create container/shop-web-1: missing [after 1, 2, 3, 6]
        12. start container/shop-web-1: created [after 2, 3, 6, 7, 9, 10, 11]
    """,
    )


def test_a_second_up_does_nothing() -> None:
    """Everything is as the file says, and the job that others waited for has ended well."""
    assert not up(SHOP, shop())


def test_a_project_without_networks_needs_no_sandbox() -> None:
    """`network_mode: none` everywhere: no namespace, no bridge."""
    check(
        up(project(service("a", network_mode="none")), Observed(images={"a:1": "i"})),
        """
        1. create container/shop-a-1: missing
        2. start container/shop-a-1: created [after 1]
    """,
    )


def test_fixed_subnets_are_taken_before_others_are_chosen() -> None:
    """A network without a subnet is made behind those that have one, so that it is away from them."""
    wanted = project(service("a", on=["any", "own"]), networks={"any": {}, "own": {"ipam": [{"subnet": "10.211.0.0/24"}]}})
    plan = up(wanted, nothing(wanted))
    order = [step.id for step in plan.steps if step.id.startswith("create network")]
    assert order == ["create network/shop_own", "create network/shop_any"]
    assert next(step for step in plan.steps if step.id == order[1]).behind == {order[0]}


def test_an_unused_network_and_volume_are_not_made() -> None:
    """Only what a service that moves names is made."""
    wanted = project(service("a"), networks={"idle": {}}, volumes=["idle"])
    assert "idle" not in str(up(wanted, nothing(wanted)))


def test_a_machine_that_came_up_again_gets_its_sandbox_and_networks_back() -> None:
    """After a reboot records and volumes are there, namespace and bridges are not: containers keep their file system."""
    lost = replace(everything(WEB, container(WEB, "web", status="exited", exit_code=255)), sandbox=False, networks={})
    check(
        up(WEB, lost),
        """
        1. create sandbox/shop: missing
        2. create network/shop_front: missing [after 1]
        3. start container/shop-web-1: exited (255) [after 2]
    """,
    )


# ---------------------------------------------------------------- changes


def test_a_changed_service_is_recreated_alone() -> None:
    """Its dependencies run on, its dependents too."""
    check(
        up(SHOP, shop(db={"fingerprint": "old"})),
        """
        1. stop container/shop-db-1: configuration changed
        2. remove container/shop-db-1: configuration changed [after 1]
        3. create container/shop-db-1: configuration changed [after 2]
        4. start container/shop-db-1: created [after 1, 3]
    """,
    )


def test_services_swap_their_addresses() -> None:
    """Neither is made anew before the other, which has its address, is removed."""
    one, two = (service(name, networks={"net": Attachment(ipv4_address=f"10.0.0.{end}")}) for name, end in (("one", 3), ("two", 2)))
    wanted = project(one, two)
    there = [replace(container(wanted, name), fingerprint="old") for name in ("one", "two")]
    ends = [replace(there[0].endpoints[0], address=f"10.0.0.{end}/24") for end in (2, 3)]
    plan = up(wanted, everything(wanted, *(replace(box, endpoints=(end,)) for box, end in zip(there, ends, strict=True))))
    removals = {"remove container/shop-one-1", "remove container/shop-two-1"}
    creates = [step for step in plan.steps if isinstance(step.action, CreateContainer)]
    assert [step.after & removals for step in creates] == [removals, removals]


def test_a_changed_service_runs_the_job_that_it_waits_for_again() -> None:
    """A migration belongs to the start of those who wait for it."""
    check(
        up(SHOP, shop(web={"fingerprint": "old"})),
        """
        1. stop container/shop-web-1: configuration changed
        2. remove container/shop-web-1: configuration changed [after 1]
        3. await service/db healthy: migrate and web depend on it
        4. start container/shop-migrate-1: exited (0) [after 3]
        5. await service/migrate completed: web depends on it [after 4]
        6. create container/shop-web-1: configuration changed [after 2]
        7. start container/shop-web-1: created [after 1, 3, 4, 5, 6]
    """,
    )


def test_another_image_under_the_same_name_recreates() -> None:
    """`build` or `pull` brought a newer one."""
    check(
        up(WEB, everything(WEB, container(WEB, "web", image_id="0" * 64))),
        """
        1. stop container/shop-web-1: image changed
        2. remove container/shop-web-1: image changed [after 1]
        3. create container/shop-web-1: image changed [after 2]
        4. start container/shop-web-1: created [after 1, 3]
    """,
    )


def test_a_changed_secret_recreates_those_who_use_it() -> None:
    """The digest of what a secret holds is part of the fingerprint."""
    wanted = project(
        service("web", secrets=({"source": "key", "target": "/run/secrets/key"},)), service("other"), secrets={"key": {"content": "x"}}
    )
    before = replace(everything(wanted), contents={"secrets/key": "old"})
    before = replace(before, containers=tuple(container(wanted, name, contents=before.contents) for name in wanted.services))
    assert not up(wanted, before)
    assert [one.name for one in of(up(wanted, replace(before, contents={"secrets/key": "new"})), RemoveContainer)] == ["shop-web-1"]


def test_attributes_that_do_not_reach_the_container_do_not_recreate() -> None:
    """scale, depends_on, pull_policy, profiles and the build recipe are composer's business."""
    same = project(service("web", on=["front"], scale=1, needs=["db"], pull_policy="missing", profiles=("p",)), service("db"))
    assert not up(same, everything(same, container(WEB, "web"), container(same, "db")))


@pytest.mark.parametrize(
    ("options", "causes"),
    [
        ({"recreate": "always"}, {"asked for"}),
        ({"recreate": "never"}, set()),
        ({"recreate": "changed"}, {"configuration changed"}),
    ],
)
def test_recreate_says_which_containers_are_made_anew(options: dict[str, Any], causes: set[str]) -> None:
    """--force-recreate all, --no-recreate none, else those that differ."""
    plan = up(WEB, everything(WEB, container(WEB, "web", fingerprint="old")), **options)
    assert {step.cause for step in plan.steps if isinstance(step.action, RemoveContainer)} == causes


def test_force_recreate_stops_dependents_first_and_starts_them_last() -> None:
    """All containers of the project are made anew in one plan."""
    check(
        up(SHOP, shop(), recreate="always"),
        """
        1. stop container/shop-web-1: asked for
        2. remove container/shop-web-1: asked for [after 1]
        3. stop container/shop-migrate-1: asked for [after 1]
        4. remove container/shop-migrate-1: asked for [after 3]
        5. stop container/shop-db-1: asked for [after 1, 3]
        6. remove container/shop-db-1: asked for [after 5]
        7. create container/shop-db-1: asked for [after 6]
        8. start container/shop-db-1: created [after 5, 7]
        9. await service/db healthy: migrate and web depend on it [after 8]
        10. create container/shop-migrate-1: asked for [after 4, 8]
        11. start container/shop-migrate-1: created [after 3, 8, 9, 10]
        12. await service/migrate completed: web depends on it [after 11]
        13. create container/shop-web-1: asked for [after 2, 8]
        14. start container/shop-web-1: created [after 1, 8, 9, 11, 12, 13]
    """,
    )


@pytest.mark.parametrize("status", ["creating", "removing"])
def test_a_half_made_container_is_made_anew_whatever_was_asked_for(status: Any) -> None:
    """Also with --no-recreate: nobody knows what is in it."""
    check(
        up(WEB, everything(WEB, container(WEB, "web", status=status)), recreate="never"),
        """
        1. stop container/shop-web-1: left half-made
        2. remove container/shop-web-1: left half-made [after 1]
        3. create container/shop-web-1: left half-made [after 2]
        4. start container/shop-web-1: created [after 1, 3]
    """,
    )


def test_anonymous_volumes_move_to_the_new_container_unless_renewed() -> None:
    """They hold data that nobody named; --renew-anon-volumes drops it."""
    before = everything(WEB, container(WEB, "web", fingerprint="old", anonymous=(("/data", "v" * 64),)))
    for renew, kept in ((False, (("/data", "v" * 64),)), (True, ())):
        plan = up(WEB, before, renew_anonymous=renew)
        (created,), (removed,) = of(plan, CreateContainer), of(plan, RemoveContainer)
        assert (created.anonymous, removed.volumes) == (kept, renew)


def test_a_changed_network_is_made_anew_between_its_containers() -> None:
    """All that is on it is removed before and created after; also with --no-recreate."""
    wanted = project(service("web", on=["front"]), service("db", on=["front"]), service("far", on=["back"]))
    changed = project(*wanted.services.values(), networks={"front": {"internal": True}, "back": {}})
    check(
        up(changed, everything(wanted), recreate="never"),
        """
        1. stop container/shop-web-1: network shop_front changed
        2. remove container/shop-web-1: network shop_front changed [after 1]
        3. stop container/shop-db-1: network shop_front changed
        4. remove container/shop-db-1: network shop_front changed [after 3]
        5. remove network/shop_front: configuration changed [after 2, 4]
        6. create network/shop_front: configuration changed [after 5]
        7. create container/shop-db-1: network shop_front changed [after 4, 6]
        8. start container/shop-db-1: created [after 3, 6, 7]
        9. create container/shop-web-1: network shop_front changed [after 2, 6]
        10. start container/shop-web-1: created [after 1, 6, 9]
    """,
    )


@pytest.mark.parametrize("outsider", ["db", "orphan", "oneoff"])
def test_a_changed_network_stays_while_others_use_it(outsider: str) -> None:
    """A container that this command does not touch keeps its network; a warning names it."""
    before = project(service("web", on=["front"]), service("db", on=["front"]))
    changed = project(
        before.services["web"], *([before.services["db"]] if outsider == "db" else []), networks={"front": {"internal": True}}
    )
    other = container(before, "db", oneoff=outsider == "oneoff")
    plan = up(changed, everything(before, container(before, "web"), other), services=("web",))
    assert not plan
    assert "network shop_front changed and stays as it is: shop-db-1 use it" in plan.warnings


def test_a_changed_network_waits_for_orphans_to_go() -> None:
    """With --remove-orphans they are no reason to keep it."""
    before = project(service("web", on=["front"]), service("old", on=["front"]))
    changed = project(before.services["web"], networks={"front": {"internal": True}})
    steps = {step.id: step for step in up(changed, everything(before), remove_orphans=True).steps}
    assert steps["remove network/shop_front"].after == {"remove container/shop-web-1", "remove container/shop-old-1"}


# ---------------------------------------------------------------- how many


def test_scaling_up_adds_the_next_numbers() -> None:
    """Those that run stay as they are."""
    check(
        up(WEB, everything(WEB), scale={"web": 3}),
        """
        1. create container/shop-web-2: missing
        2. start container/shop-web-2: created [after 1]
        3. create container/shop-web-3: missing
        4. start container/shop-web-3: created [after 3]
    """,
    )


def test_scaling_down_removes_the_highest_numbers() -> None:
    """With their anonymous volumes."""
    plan = up(WEB, everything(WEB, *(container(WEB, "web", number) for number in (3, 1, 2))), scale={"web": 1})
    check(
        plan,
        """
        1. stop container/shop-web-2: 1 wanted
        2. remove container/shop-web-2: 1 wanted [after 1]
        3. stop container/shop-web-3: 1 wanted
        4. remove container/shop-web-3: 1 wanted [after 3]
    """,
    )
    assert all(one.volumes for one in of(plan, RemoveContainer))


def test_nobody_waits_for_a_service_of_no_containers() -> None:
    """Scaled to none, a dependency is left out."""
    check(
        up(SHOP, nothing(SHOP), scale={"db": 0, "migrate": 0}, wait=True),
        """
        1. create sandbox/shop: missing
        2. create network/shop_back: missing [after 1]
        3. create network/shop_front: missing [after 1]
        4. create container/shop-web-1: missing [after 1, 2, 3]
        5. start container/shop-web-1: created [after 2, 3, 4]
        6. await service/web ready: asked for [after 5]
    """,
    )


def test_one_name_is_for_one_container() -> None:
    """container_name and scale do not go together; what is there already counts."""
    named = project(service("web", container_name="site"))
    for observed in (nothing(named), everything(named)):
        with pytest.raises(ComposerError, match=r"services\.web\.container_name: one name"):
            up(named, observed, scale={"web": 2})


def test_a_renamed_container_gives_way_to_the_new_name() -> None:
    """The new one is created after the old one is gone, and it is the new one that is started."""
    named = project(service("web", container_name="site"), service("log", needs={"web": Dependency(restart=True)}))
    before = project(service("web"), named.services["log"])
    check(
        up(named, everything(before)),
        """
        1. stop container/shop-log-1: web restarts
        2. stop container/shop-web-1: configuration changed [after 1]
        3. remove container/shop-web-1: configuration changed [after 2]
        4. create container/site: configuration changed [after 3]
        5. start container/site: created [after 4]
        6. start container/shop-log-1: web restarts [after 1, 5]
    """,
    )


def test_a_named_container_may_have_any_number() -> None:
    """A lone container that kept number 2 can be made anew."""
    named = project(service("web", container_name="site"))
    assert up(named, everything(named, container(named, "web", 2, fingerprint="old")))


# ---------------------------------------------------------------- orphans


def test_orphans_are_named_and_left_alone() -> None:
    """A warning says how to remove them; one-off containers and disabled services are no orphans."""
    before = project(*WEB.services.values(), service("old"), service("tool"))
    oneoff = container(before, "old", 1, name="shop-old-run-1", oneoff=True)
    wanted = project(*WEB.services.values(), inactive=["tool"])
    plan = up(wanted, everything(before, *(container(before, name) for name in before.services), oneoff))
    assert not plan
    assert plan.warnings == ("containers of services that the file does not name (any more): shop-old-1; --remove-orphans removes them",)


def test_orphans_are_removed_when_asked() -> None:
    """Stopped first, anonymous volumes with them."""
    before = project(*WEB.services.values(), service("old"))
    plan = up(WEB, everything(before), remove_orphans=True, timeout=3)
    check(
        plan,
        """
        1. stop container/shop-old-1: orphan
        2. remove container/shop-old-1: orphan [after 1]
    """,
    )
    assert plan.actions() == (StopContainer("shop-old-1", 3), RemoveContainer("shop-old-1", True))


# ---------------------------------------------------------------- dependencies


def test_named_services_bring_what_they_need_and_nothing_else() -> None:
    """Dependencies first; --no-deps leaves them out, and nothing waits for them."""
    assert selected(SHOP, UpOptions(services=("migrate",))) == ("db", "migrate")
    check(
        up(SHOP, nothing(SHOP), services=("web",), dependencies=False),
        """
        1. create sandbox/shop: missing
        2. create network/shop_back: missing [after 1]
        3. create network/shop_front: missing [after 1]
        4. create container/shop-web-1: missing [after 1, 2, 3]
        5. start container/shop-web-1: created [after 2, 3, 4]
    """,
    )


@pytest.mark.parametrize(
    ("condition", "awaited"),
    [
        ("service_started", ()),
        ("service_healthy", ("await service/db healthy",)),
        ("service_completed_successfully", ("await service/db completed",)),
    ],
)
def test_a_condition_gates_the_start_and_nothing_else(condition: str, awaited: tuple[str, ...]) -> None:
    """`service_started` waits for the start alone."""
    wanted = project(service("db"), service("web", needs={"db": condition}))
    steps = {step.id: step for step in up(wanted, nothing(wanted)).steps}
    assert steps["create container/shop-web-1"].after == frozenset()
    assert steps["start container/shop-web-1"].after == {"create container/shop-web-1", "start container/shop-db-1", *awaited}


def test_a_dependency_that_is_not_required_may_fail() -> None:
    """Its dependent starts behind it, however it ended."""
    wanted = project(service("db"), service("web", needs={"db": Dependency(condition="service_healthy", required=False)}))
    plan = up(wanted, nothing(wanted))
    check(
        plan,
        """
        1. create container/shop-db-1: missing
        2. start container/shop-db-1: created [after 1]
        3. await service/db healthy if possible: web depends on it [after 2]
        4. create container/shop-web-1: missing [after 2]
        5. start container/shop-web-1: created [after 2, 3, 4]
    """,
    )
    assert plan.steps[4].after == {"create container/shop-web-1"}
    assert plan.steps[4].behind == {"start container/shop-db-1", "await service/db healthy if possible"}


def test_a_dependency_that_is_not_in_the_project_is_left_out() -> None:
    """A disabled service with `required: false`."""
    wanted = project(service("web", needs={"gone": Dependency(required=False)}), inactive=["gone"])
    assert "gone" not in str(up(wanted, nothing(wanted)))


def test_restart_true_restarts_with_the_dependency() -> None:
    """Stopped before it, started after it; services further up run on."""
    wanted = project(service("db"), service("web", needs={"db": Dependency(restart=True)}), service("log", needs=["web"]))
    check(
        up(wanted, everything(wanted, container(wanted, "db", fingerprint="old"), container(wanted, "web"), container(wanted, "log"))),
        """
        1. stop container/shop-web-1: db restarts
        2. stop container/shop-db-1: configuration changed [after 1]
        3. remove container/shop-db-1: configuration changed [after 2]
        4. create container/shop-db-1: configuration changed [after 3]
        5. start container/shop-db-1: created [after 2, 4]
        6. start container/shop-web-1: db restarts [after 1, 5]
    """,
    )


def test_restart_true_is_not_for_a_dependency_that_crashed() -> None:
    """What ended by itself is started, its dependents run on."""
    wanted = project(service("db"), service("web", needs={"db": Dependency(restart=True)}))
    check(
        up(wanted, everything(wanted, container(wanted, "db", status="exited", exit_code=1), container(wanted, "web"))),
        """
        1. start container/shop-db-1: exited (1)
    """,
    )


def test_a_job_that_failed_is_run_again() -> None:
    """Although those who waited for it run by now."""
    check(
        up(SHOP, shop(migrate={"exit_code": 2})),
        """
        1. await service/db healthy: migrate depends on it
        2. start container/shop-migrate-1: exited (2) [after 1]
    """,
    )


def test_a_job_that_nobody_waits_for_is_run_at_each_up() -> None:
    """As docker compose does."""
    check(up(WEB, everything(WEB, container(WEB, "web", status="exited", exit_code=0))), "1. start container/shop-web-1: exited (0)")


def test_a_chain_of_jobs_rests_together() -> None:
    """`seed` waits for `migrate`: with `web` running, neither runs again; with `web` to start, both do."""
    done: dict[str, Any] = {"status": "exited", "exit_code": 0}
    wanted = project(
        service("migrate"),
        service("seed", needs={"migrate": "service_completed_successfully"}),
        service("web", needs={"seed": "service_completed_successfully"}),
    )
    jobs = (container(wanted, "migrate", **done), container(wanted, "seed", **done))
    assert not up(wanted, everything(wanted, *jobs, container(wanted, "web")))
    plan = up(wanted, everything(wanted, *jobs, container(wanted, "web", status="exited", exit_code=1)))
    assert [text.split(".")[0] for text in str(plan).splitlines() if "start container" in text] == ["1", "3", "5"]


# ---------------------------------------------------------------- late creation


def gated(*, early: str = "folder", **mount: Any) -> tuple[Project, Observed]:
    bind = Mount(**{"type": "bind", "source": "/srv/out/page", "target": "/x", **mount})
    other = Mount(type="bind", source="/srv/out", target="/out", read_only=early == "read-only")
    maker = service("gen", volumes=(other,) if early in ("written", "read-only") else ())
    wanted = project(maker, service("web", needs={"gen": "service_completed_successfully"}, volumes=(bind,)))
    kind: Any = early if early in ("file", "missing") else "folder"
    return wanted, replace(nothing(wanted), paths={"/srv/out/page": kind, "/srv/out": "folder"})


@pytest.mark.parametrize(
    ("early", "late"), [("folder", False), ("file", False), ("read-only", False), ("missing", True), ("written", True)]
)
def test_a_source_that_a_dependency_is_to_make_delays_the_create(early: str, late: bool) -> None:
    """`crun create` performs the mounts: what an earlier service makes or writes would be missed."""
    created = {step.id: step for step in up(*gated(early=early)).steps}["create container/shop-web-1"]
    assert created.after == ({"start container/shop-gen-1", "await service/gen completed"} if late else set())
    assert late or created.behind == {"start container/shop-gen-1"}, "it must not hold up what can start at once"


def test_a_subpath_delays_the_create() -> None:
    """The folder in the volume may be made by the dependency."""
    wanted, observed = gated()
    mount = Mount(type="volume", source="data", target="/x", subpath="site")
    wanted = project(wanted.services["gen"], wanted.services["web"].model_copy(update={"volumes": (mount,)}))
    steps = {step.id: step for step in up(wanted, observed).steps}
    assert "await service/gen completed" in steps["create container/shop-web-1"].after


# ---------------------------------------------------------------- what else was asked for


def test_no_start_creates_and_starts_nothing() -> None:
    """`create` and `up --no-start`."""
    plan = up(SHOP, nothing(SHOP), start=False)
    assert {step.action.verb for step in plan.steps} == {"create"}
    assert len(of(plan, CreateContainer)) == 3


def test_created_containers_are_started_by_the_next_up() -> None:
    """What --no-start left."""
    check(up(WEB, everything(WEB, container(WEB, "web", status="created"))), "1. start container/shop-web-1: created")


def test_wait_awaits_every_service() -> None:
    """Jobs that others wait for to be completed, all others to be ready: also those that run already."""
    plan = up(SHOP, shop(), wait=True)
    check(
        plan,
        """
        1. await service/db ready: asked for
        2. await service/migrate completed: asked for
        3. await service/web ready: asked for
    """,
    )


def test_somebody_outside_the_plan_can_wait() -> None:
    """`run` waits for what its service depends on, as the file says."""
    wanted = project(service("db"), service("cache"))
    waits = {"db": "service_healthy", "cache": "service_started"}
    check(up(wanted, everything(wanted), services=("db", "cache"), waits=waits), "1. await service/db healthy: asked for")


def test_a_missing_image_is_an_error_with_the_services_name() -> None:
    """Pulls and builds come before; what is missing then cannot be had."""
    with pytest.raises(ComposerError, match=r"services\.web\.image: web:1 is not in composer's image store"):
        up(WEB, Observed())


def test_the_timeout_asked_for_goes_to_every_stop() -> None:
    """`up -t 3`."""
    old: tuple[Container, ...] = (container(WEB, "web", fingerprint="old"),)
    assert [one.timeout for one in of(up(WEB, everything(WEB, *old), timeout=3), StopContainer)] == [3]


def test_a_shared_namespace_orders_creates() -> None:
    """Who joins another's namespace is created after it, and restarted when its owner gets new processes, whatever `depends_on` says."""
    needs = {"db": "service_started"}
    wanted = project(service("db"), service("web", needs=needs, network_mode="service:db"))
    plan = reconcile(wanted, nothing(wanted), UpOptions())
    created = next(step for step in plan.steps if step.id == "create container/shop-web-1")
    assert created.after == {"create container/shop-db-1"}
    there = everything(wanted, replace(container(wanted, "db"), status="exited", process=None), container(wanted, "web"))
    assert "start container/shop-web-1: db" in str(reconcile(wanted, there, UpOptions()))
    gone = everything(wanted, replace(container(wanted, "db"), status="exited", process=None))
    late = next(step for step in reconcile(wanted, gone, UpOptions()).steps if step.id == "create container/shop-web-1")
    assert late.after == {"start container/shop-db-1"}
    assert container(wanted, "web").labels["com.docker.compose.depends_on"] == "db:service_started:true"


# ---------------------------------------------------------------- networks of others


def test_an_external_network_is_joined_and_left() -> None:
    """Neither created nor removed; own networks are made behind it, so that their subnets are chosen away from it."""
    wanted = project(service("web", on=["own", "proxy"]), networks={"proxy": {"name": "proxy", "external": True}})
    shared = {"proxy": replace(network_state(wanted, "proxy"), key="", bridge="", fingerprint="theirs")}
    check(
        up(wanted, replace(nothing(wanted), shared=shared)),
        """
        1. create sandbox/shop: missing
        2. join network/proxy: external [after 1]
        3. create network/shop_own: missing [after 1, 2]
        4. create container/shop-web-1: missing [after 1, 2, 3]
        5. start container/shop-web-1: created [after 2, 3, 4]
        """,
    )
    there = everything(wanted, container(wanted, "web"))
    joined = replace(there.networks["proxy"], joined=True, fingerprint="theirs")
    there = replace(there, shared=shared, networks={**there.networks, "proxy": joined})
    assert not up(wanted, there)
    assert "leave network/proxy" in str(teardown.down(there, DownOptions(), "shop", ("web",), ()))
    other = {"proxy": replace(shared["proxy"], fingerprint="made anew")}
    steps = [step.id for step in up(wanted, replace(there, shared=other)).steps]
    assert steps.index("leave network/proxy") < steps.index("join network/proxy") < steps.index("create container/shop-web-1")


def test_a_missing_external_network_is_refused_with_the_command_that_makes_it() -> None:
    """`up` says so before anything is planned."""
    wanted = project(service("web", on=["proxy"]), networks={"proxy": {"name": "proxy", "external": True}})
    with pytest.raises(ComposerError, match="external network proxy does not exist") as refused:
        up(wanted, nothing(wanted))
    assert refused.value.hint == "composer network create proxy"


def test_a_name_of_its_own_that_is_there_already_is_used() -> None:
    """As docker compose does, with its warning."""
    wanted = project(service("web", on=["lan"]), networks={"lan": {"name": "lan"}})
    plan = up(wanted, replace(nothing(wanted), shared={"lan": network_state(wanted, "lan")}))
    assert "join network/lan" in str(plan)
    assert "`external: true`" in plan.warnings[0]


def test_a_network_with_guests_stays_as_it_is() -> None:
    """Its configuration changed, but other projects are on it."""
    wanted = project(service("web", on=["front"]), networks={"front": {"internal": True}})
    before = project(service("web", on=["front"]))
    there = replace(everything(before, container(before, "web")), guests={"front": ("proxy",)})
    plan = up(wanted, there)
    assert not plan.steps
    assert "project proxy use it" in plan.warnings[0]


def test_services_that_the_file_named_until_now_are_removed_alone() -> None:
    """Other containers that nobody names any more stay, with a warning."""
    there = everything(SHOP, *(container(SHOP, name) for name in SHOP.services))
    plan = up(WEB, there, gone=("db",))
    assert [one.name for one in of(plan, RemoveContainer) if one.name != "shop-web-1"] == ["shop-db-1"]
    assert "shop-migrate-1" in " ".join(plan.warnings)
    assert "shop-db-1" not in " ".join(plan.warnings)


def test_what_was_stopped_stays_so_when_only_differences_count() -> None:
    """Unless somebody who needs it is to start."""
    stopped = shop(db={"status": "exited"}, web={"status": "exited"})
    assert not up(SHOP, stopped, revive=False)
    changed = shop(db={"status": "exited"}, web={"fingerprint": "another"})
    assert {one.name for one in of(up(SHOP, changed, revive=False), StartContainer)} >= {"shop-db-1", "shop-web-1"}
