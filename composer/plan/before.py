"""`pre_start`: containers that have to succeed before a service starts, put into a plan in front of its starts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from composer.model.blueprint import Blueprint
from composer.model.health import Healthcheck
from composer.model.hook import PreStart
from composer.model.network import Attachment
from composer.model.project import Project
from composer.model.service import Service
from composer.observed import Container
from composer.plan import labels
from composer.plan.actions import CreateContainer, RemoveContainer, RunBefore, StartContainer, StopContainer
from composer.plan.steps import Plan, Step

#: What the container of a hook does not have of its service.
_NOT_ITS_OWN: Mapping[str, object] = {
    "ports": (), "container_name": None, "hostname": None, "mac_address": None, "scale": None, "depends_on": {}, "restart": "no",
    "pre_start": (), "post_start": (), "pre_stop": (), "build": None, "healthcheck": Healthcheck(disable=True), "tty": False,
    "stdin_open": False,
}


def with_pre_start(plan: Plan, project: Project, containers: Iterable[Container]) -> Plan:
    """The hooks of each service of which nothing runs once the plan has stopped what it stops; those of the last run are removed."""
    there = tuple(containers)
    services = {action.name: action.blueprint.service.name for action in plan.actions() if isinstance(action, CreateContainer)}
    services = {one.name: one.service for one in there} | services
    starts: dict[str, list[Step]] = {}
    for step in plan.steps:
        service = project.services.get(services.get(_name_of(step), ""))
        if service and service.pre_start and not _runs(service, there, plan):
            starts.setdefault(service.name, []).append(step)
    for name, steps in starts.items():
        plan = _gated(plan, project, project.services[name], steps, [one for one in there if labels.is_hook(one) and one.service == name])
    return plan


def _runs(service: Service, containers: Iterable[Container], plan: Plan) -> bool:
    ending = {action.name for action in plan.actions() if isinstance(action, StopContainer)}
    return any(one.service == service.name and not one.oneoff and one.status in ("running", "paused") and one.name not in ending
               for one in containers)


def _gated(plan: Plan, project: Project, service: Service, starts: list[Step], old: list[Container]) -> Plan:
    """Hooks in the order of the file, each in front of the start that it is for, and waiting for what that start waits for."""
    removals = [step for one in old for step in _removal(one)]
    ready = frozenset(step.id for step in removals if isinstance(step.action, RemoveContainer))
    added: dict[str, list[Step]] = {step.id: [] for step in starts}
    gates = {step.id: ready for step in starts}
    for number, hook in enumerate(service.pre_start, 1):
        for beside in starts if hook.per_replica else starts[:1]:
            name = _name_of(beside)
            whose, prefix = (name, name) if hook.per_replica else (service.name, project.joined(service.name))
            action = _action(project, service, hook, project.separator.join((prefix, "pre_start", str(number))), number, name)
            gated = [beside.id] if hook.per_replica else list(gates)
            before = frozenset[str]().union(*(gates[id_] for id_ in gated))
            added[beside.id].append(Step(action, f"before {whose} starts", beside.after | before, beside.behind))
            for id_ in gated:
                gates[id_] |= {added[beside.id][-1].id}
    added[starts[0].id] = removals + added[starts[0].id]
    steps = [replace(step, after=step.after | gates.get(step.id, frozenset())) for step in plan.steps]
    return replace(plan, steps=tuple(one for step in steps for one in (*added.get(step.id, ()), step)))


def _name_of(step: Step) -> str:
    """Of the container that a step starts."""
    return step.action.name if isinstance(step.action, StartContainer) else ""


def _removal(one: Container) -> Iterator[Step]:
    stop = Step(StopContainer(one.name), "of the last start")
    yield from (stop, Step(RemoveContainer(one.name, True), "of the last start", behind=frozenset([stop.id])))


def _action(project: Project, service: Service, hook: PreStart, name: str, number: int, beside: str) -> RunBefore:
    wanted = hook_service(service, hook)
    marks = labels.of_container(project, wanted, number, oneoff=True, fingerprint="")
    blueprint = Blueprint.of(wanted, project)
    tags = tuple(sorted({**marks, labels.HOOK: "pre_start"}.items()))
    return RunBefore(CreateContainer(name, number, blueprint, "", tags, oneoff=True), beside)


def hook_service(service: Service, hook: PreStart) -> Service:
    """The service as its hook's container has it: networks (without fixed addresses), volumes, secrets, variables; the hook's image and
    command."""
    same = hook.image in (None, service.image)
    changes = {
        **_NOT_ITS_OWN,
        "image": hook.image or service.image,
        "entrypoint": None,
        "command": hook.command,
        "user": hook.user or (service.user if same else None),
        "privileged": hook.privileged,
        "working_dir": hook.working_dir or (service.working_dir if same else None),
        "environment": {**service.environment, **hook.environment},
        "networks": {key: Attachment(gw_priority=one.gw_priority, priority=one.priority) for key, one in service.networks.items()},
    }
    return service.model_copy(update=changes)
