"""Services that another program provides: what is asked of these programs, and what the other services get of it. Pure.

They are a plan of their own, in front of the containers', since their answers decide what containers are made of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from composer import graph
from composer.model.blueprint import Blueprint
from composer.model.project import Project
from composer.model.service import Service
from composer.plan.actions import Provide, Withdraw
from composer.plan.steps import Draft, Plan, step_id

#: Service -> variables that its program has set, under their final names.
Provided = Mapping[str, Mapping[str, str]]


def provide(project: Project, names: Iterable[str]) -> Plan:
    """Those of the services named, one after another where they need each other."""
    draft, wanted = Draft(), set(names)
    for name in graph.order(project):
        service = project.services[name]
        if service.provider and name in wanted:
            before = [_step(project, other) for other in service.depends_on]
            draft.add(Provide(project.name, project.working_dir, name, service.provider), "asked for", after=before)
    return draft.plan()


def withdraw(project: Project, names: Iterable[str]) -> Plan:
    """The same backwards."""
    draft, wanted = Draft(), set(names)
    for name in reversed(graph.order(project)):
        service = project.services[name]
        if service.provider and name in wanted:
            draft.add(Withdraw(project.name, project.working_dir, name, service.provider), "asked for")
    return draft.plan()


def _step(project: Project, name: str) -> str:
    service = project.services.get(name)
    return step_id(Provide(project.name, project.working_dir, name, service.provider)) if service and service.provider else ""


def contained(project: Project, provided: Provided | None = None) -> Project:
    """The services that have containers, with the variables of those that they depend on; what they set themselves wins."""
    others = {name for name, service in project.services.items() if service.provider}
    if not others:
        return project
    services = {name: _with(service, others, provided or {}) for name, service in project.services.items() if name not in others}
    return project.model_copy(update={"services": services})


def _with(service: Service, others: set[str], provided: Provided) -> Service:
    given = {key: value for name in service.depends_on if name in others for key, value in provided.get(name, {}).items()}
    edges = {name: edge for name, edge in service.depends_on.items() if name not in others}
    return service.model_copy(update={"environment": {**given, **service.environment}, "depends_on": edges})


def given(project: Project, blueprint: Blueprint, provided: Provided) -> Blueprint:
    """A one-off container has the variables that its service would have."""
    others = {name for name, service in project.services.items() if service.provider}
    return blueprint.model_copy(update={"service": _with(blueprint.service, others, provided)}) if others else blueprint
