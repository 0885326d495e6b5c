"""Properties of all plans: `up` from any state converges in one go, `down` leaves nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from composer.model.project import Project
from composer.model.service import Dependency
from composer.observed import Container, Observed, Status
from composer.plan import teardown
from composer.plan.actions import StartContainer, StopContainer
from composer.plan.options import DownOptions, UpOptions
from composer.plan.reconcile import reconcile, selected
from composer.plan.steps import Step
from tests.builders import container, images, network_state, project, service, volume_state
from tests.simulation import follow

NAMES = ("api", "cache", "db", "job", "web")
NETWORKS = ("front", "back")
STATES: tuple[Status, ...] = ("creating", "created", "running", "paused", "exited", "removing")

#: A busy machine is no error of composer's.
properly = settings(deadline=None, max_examples=150)

#: Containers that may be there without their networks.
UNSEEN: tuple[Status, ...] = ("creating", "created", "exited", "removing")

edges = st.builds(
    Dependency,
    condition=st.sampled_from(["service_started", "service_healthy", "service_completed_successfully"]),
    restart=st.booleans(),
    required=st.booleans(),
)


@st.composite
def projects(draw: st.DrawFn) -> Project:
    """Up to five services; each may need those before it."""
    services = []
    for index, name in enumerate(NAMES[: draw(st.integers(1, len(NAMES)))]):
        needs = draw(st.dictionaries(st.sampled_from(NAMES[:index]), edges, max_size=3)) if index else {}
        fields: dict[str, Any] = {"on": draw(st.lists(st.sampled_from(NETWORKS), unique=True)), "scale": draw(st.integers(0, 3))}
        data = draw(st.dictionaries(st.sampled_from(["data", "logs"]), st.just("/x"), max_size=1))
        services.append(service(name, needs=needs, data=data, **fields))
    internal = draw(st.fixed_dictionaries({key: st.booleans() for key in NETWORKS}))
    return project(*services, networks={key: {"internal": value} for key, value in internal.items()})


@st.composite
def leftovers(draw: st.DrawFn, before: Project, wanted: Project) -> Observed:
    """What earlier commands, also killed ones, may have left of `before` when `wanted` is brought up."""
    sandbox = draw(st.booleans())
    networks = {key: network_state(before, key) for key in before.networks if sandbox and draw(st.booleans())}
    containers = [one for name in before.services for one in draw(_containers(before, name, tuple(networks)))]
    volumes = {one.name: volume_state(before, key) for key, one in before.volumes.items() if draw(st.booleans())}
    return Observed(
        sandbox=sandbox, networks=networks, volumes=volumes, containers=tuple(containers), images=images(before) | images(wanted)
    )


@st.composite
def _containers(draw: st.DrawFn, before: Project, name: str, networks: Sequence[str]) -> list[Container]:
    made = [container(before, name, number) for number in sorted(draw(st.sets(st.integers(1, 4), max_size=3)))]
    found = []
    for one in made:
        whole = all(end.network in networks for end in one.endpoints)
        status = draw(st.sampled_from(STATES if whole else UNSEEN))
        code = draw(st.sampled_from([0, 1])) if status == "exited" else None
        found.append(replace(one, status=status, exit_code=code, image_id=draw(st.sampled_from([one.image_id, "0" * 64]))))
    return found


@st.composite
def situations(draw: st.DrawFn) -> tuple[Project, Observed]:
    before, wanted = draw(projects()), draw(projects())
    return wanted, draw(leftovers(before, wanted))


def options(draw: Callable[[Any], Any], wanted: Project) -> UpOptions:
    services = draw(st.sets(st.sampled_from(sorted(wanted.services))))
    return UpOptions(services=tuple(sorted(services)), remove_orphans=draw(st.booleans()), dependencies=draw(st.booleans()))


@properly
@given(st.data())
def test_up_from_any_state_converges_in_one_go(data: st.DataObject) -> None:
    """After the plan is done, the same command has nothing left to do, but for jobs that nobody waits for."""
    wanted, observed = data.draw(situations())
    asked = options(data.draw, wanted)
    after = follow(reconcile(wanted, observed, asked), observed)
    again = reconcile(wanted, after, asked)
    assert not again, f"{again}"


@properly
@given(st.data())
def test_up_makes_what_the_file_says(data: st.DataObject) -> None:
    """As many containers of each selected service as wanted, each with its fingerprint, its image, and not half-made."""
    wanted, observed = data.draw(situations())
    asked = options(data.draw, wanted)
    after = follow(reconcile(wanted, observed, asked), observed)
    for name in selected(wanted, asked):
        found = [one for one in after.containers if one.service == name]
        assert len(found) == wanted.services[name].replicas
        assert {one.fingerprint for one in found} <= {container(wanted, name).fingerprint}
        assert {one.image_id for one in found} <= {observed.images[wanted.services[name].image]}
        assert {one.status for one in found} <= {"running", "paused", "exited"}


@properly
@given(situations())
def test_up_leaves_what_it_was_not_asked_about(situation: tuple[Project, Observed]) -> None:
    """Volumes are never removed, nor containers of services that were not selected."""
    wanted, observed = situation
    one = sorted(wanted.services)[:1]
    asked = UpOptions(services=tuple(one), dependencies=False)
    changed = {key for key in observed.networks if wanted.networks[key].internal != observed.networks[key].internal}
    untouched = [have for have in observed.containers if have.service not in one and not {end.network for end in have.endpoints} & changed]
    after = follow(reconcile(wanted, observed, asked), observed)
    assert set(observed.volumes) <= set(after.volumes)
    assert all(have in after.containers for have in untouched)


@properly
@given(situations())
def test_a_dependency_is_stopped_after_and_started_before_those_who_need_it(situation: tuple[Project, Observed]) -> None:
    """In every plan of `up`."""
    wanted, observed = situation
    steps = {step.id: (index, step) for index, step in enumerate(reconcile(wanted, observed, UpOptions()).steps)}
    services = {one.name: one.service for one in observed.containers}
    for index, step in steps.values():
        for other_index, other in steps.values():
            if isinstance(step.action, StopContainer) and isinstance(other.action, StopContainer):
                needs = wanted.services.get(services[step.action.name])
                if needs and services[other.action.name] in needs.depends_on:
                    assert index < other_index, f"{step.id} after {other.id}"


@properly
@given(situations(), st.booleans())
def test_down_leaves_nothing(situation: tuple[Project, Observed], volumes: bool) -> None:
    """Whatever state it is in; volumes only stay when nobody asked for them to go."""
    wanted, observed = situation
    plan = teardown.down(observed, DownOptions(volumes=volumes, remove_orphans=True), wanted.name, wanted.services, ())
    after = follow(plan, observed)
    assert (after.sandbox, after.networks, after.containers) == (False, {}, ())
    assert after.volumes == ({} if volumes else observed.volumes)


@properly
@given(situations())
def test_restart_leaves_everything_running(situation: tuple[Project, Observed]) -> None:
    """All whole containers of the project, and none of them twice."""
    _, observed = situation
    whole = (one for one in observed.containers if {end.network for end in one.endpoints} <= observed.networks.keys())
    observed = replace(observed, containers=tuple(whole))
    plan = teardown.restart(observed, (), None)
    started = [action.name for action in plan.actions() if isinstance(action, StartContainer)]
    assert sorted(started) == sorted(one.name for one in observed.containers if one.status not in ("creating", "removing"))
    follow(plan, observed)


def test_the_simulation_refuses_a_plan_in_the_wrong_order() -> None:
    """Else the properties above would mean nothing."""
    wanted = project(service("web"))
    plan = reconcile(wanted, Observed(images=images(wanted)), UpOptions())
    turned = replace(plan, steps=tuple(reversed(plan.steps)))
    try:
        follow(turned, Observed(images=images(wanted)))
    except AssertionError:
        return
    raise ValueError("a start before the create went through")


def test_a_step_is_its_text() -> None:
    """Ids are what is printed."""
    assert Step(StartContainer("shop-db-1"), "created").id == "start container/shop-db-1"
