"""`pre_start` in a plan: in order, in front of the starts, and only when nothing of the service runs."""

from __future__ import annotations

from dataclasses import replace

from composer.model.hook import PreStart
from composer.model.network import Attachment
from composer.model.service import Service
from composer.observed import Observed
from composer.plan import labels, teardown
from composer.plan.before import hook_service, with_pre_start
from composer.plan.options import UpOptions
from composer.plan.reconcile import reconcile
from tests.builders import IMAGE_ID, container, project, service

MIGRATE, SEED = PreStart(command=("migrate",)), PreStart(command=("seed",), image="tools", environment={"A": "hook"})
IMAGES = {"web:1": IMAGE_ID, "db:1": IMAGE_ID, "tools": IMAGE_ID}


def web(**fields: object) -> Service:
    return service("web", pre_start=(MIGRATE, SEED), **fields)


def test_they_run_in_order_between_create_and_start() -> None:
    """After what the start waits for; all replicas wait for the last of them."""
    wanted = project(web(scale=2, needs={"db": "service_healthy"}), service("db"))
    assert str(reconcile(wanted, Observed(images=IMAGES), UpOptions())).splitlines() == [
        "1. create container/shop-db-1: missing",
        "2. start container/shop-db-1: created [after 1]",
        "3. await service/db healthy: web depends on it [after 2]",
        "4. create container/shop-web-1: missing [after 2]",
        "5. run container/shop-web-pre_start-1: before web starts [after 2, 3, 4]",
        "6. run container/shop-web-pre_start-2: before web starts [after 2, 3, 4, 5]",
        "7. start container/shop-web-1: created [after 2, 3, 4, 5, 6]",
        "8. create container/shop-web-2: missing [after 2]",
        "9. start container/shop-web-2: created [after 2, 3, 5, 6, 8]",
    ]


def test_before_each_replica() -> None:
    """`per_replica` gates one container each."""
    wanted = project(service("web", scale=2, pre_start=(PreStart(command=("x",), per_replica=True),)))
    steps = str(reconcile(wanted, Observed(images=IMAGES), UpOptions())).splitlines()
    assert [line for line in steps if "run" in line or "start container" in line] == [
        "2. run container/shop-web-1-pre_start-1: before shop-web-1 starts [after 1]",
        "3. start container/shop-web-1: created [after 1, 2]",
        "5. run container/shop-web-2-pre_start-1: before shop-web-2 starts [after 4]",
        "6. start container/shop-web-2: created [after 4, 5]",
    ]


def test_not_while_one_runs() -> None:
    """A further replica of a service that runs needs none; one that is restarted as a whole does."""
    wanted = project(web(scale=2))
    there = container(wanted, "web")
    observed = Observed(images=IMAGES, containers=(there,))
    assert "run " not in str(reconcile(wanted, observed, UpOptions()))
    restarted = with_pre_start(teardown.restart(observed, (), None), wanted, observed.containers)
    assert [step.id for step in restarted.steps] == [
        "stop container/shop-web-1", "run container/shop-web-pre_start-1", "run container/shop-web-pre_start-2",
        "start container/shop-web-1"]


def test_what_failed_the_last_time_is_removed() -> None:
    """Its container was kept to be looked at."""
    wanted = project(web())
    failed = replace(container(wanted, "web"), name="shop-web-pre_start-1", oneoff=True, status="exited", exit_code=1,
                     labels={labels.HOOK: "pre_start"})
    plan = reconcile(wanted, Observed(images=IMAGES, containers=(failed,)), UpOptions())
    ids = [step.id for step in plan.steps]
    assert ids.index("remove container/shop-web-pre_start-1") < ids.index("run container/shop-web-pre_start-1")


def test_what_the_container_of_a_hook_is() -> None:
    """Networks, volumes and variables of the service; no ports, addresses, health checks or hooks of its own."""
    whole = web(environment={"A": "service", "B": "service"}, entrypoint=("serve",), user="me", ports=(), container_name="one",
                networks={"front": Attachment(ipv4_address="10.0.0.9", aliases=("x",))}, data={"v": "/v"})
    seed, migrate = hook_service(whole, SEED), hook_service(whole, MIGRATE)
    assert (seed.image, seed.command, seed.entrypoint, seed.user) == ("tools", ("seed",), None, None)
    assert (migrate.image, migrate.user) == (whole.image, "me")
    assert seed.environment == {"A": "hook", "B": "service"} and seed.volumes == whole.volumes
    assert seed.networks == {"front": Attachment()} and seed.container_name is None and not seed.pre_start
