"""The plan of a one-off container (`run`): what its service needs of networks and volumes, then the container alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from composer.model.blueprint import Blueprint
from composer.model.project import Project
from composer.observed import Container, Observed
from composer.plan import fingerprint, labels
from composer.plan.actions import CreateContainer, RemoveContainer, StopContainer
from composer.plan.options import UpOptions
from composer.plan.reconcile import orphans, reconcile
from composer.plan.steps import Plan, Step


def oneoff(
    project: Project, observed: Observed, blueprint: Blueprint, *, name: str, stdin: bool, remove_orphans: bool = False
) -> Plan:
    """`blueprint` is the service as this run wants it; what it depends on was brought up before."""
    service = blueprint.service
    number = max((one.number for one in observed.containers if one.service == service.name and one.oneoff), default=0) + 1
    mark = fingerprint.of_service(service, observed.contents, project.volumes)
    tags = labels.of_container(project, service, number, oneoff=True, fingerprint=mark)
    action = CreateContainer(name, number, blueprint, mark, tuple(sorted(tags.items())), oneoff=True, stdin=stdin)
    surroundings = _surroundings(project, observed, blueprint)
    gone = _removals(orphans(project, observed)) if remove_orphans else ()
    return Plan((*gone, *surroundings, Step(action, "asked for", frozenset(step.id for step in surroundings))))


def _removals(containers: Iterable[Container]) -> Iterator[Step]:
    for one in containers:
        stop = Step(StopContainer(one.name), "orphan")
        yield from (stop, Step(RemoveContainer(one.name, True), "orphan", frozenset([stop.id])))


def _surroundings(project: Project, observed: Observed, blueprint: Blueprint) -> tuple[Step, ...]:
    """The steps that a first container of the service would need before it is created."""
    service = blueprint.service.model_copy(update={"depends_on": {}})
    alone = project.model_copy(update={"services": {service.name: service}})
    plan = reconcile(alone, replace(observed, containers=()), UpOptions(start=False))
    return tuple(step for step in plan.steps if not isinstance(step.action, CreateContainer))
