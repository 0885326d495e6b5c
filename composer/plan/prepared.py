"""What starts of containers that are there need beside: hooks, and, after a reboot, the namespace and its bridges. Pure."""

from __future__ import annotations

from dataclasses import replace

from composer.model.project import Project
from composer.observed import Observed
from composer.plan.before import with_pre_start
from composer.plan.options import UpOptions
from composer.plan.reconcile import reconcile
from composer.plan.steps import Plan, Step


def prepared(plan: Plan, project: Project, observed: Observed) -> Plan:
    """`project` as it was brought up says what that is; `plan` is of `teardown`."""
    return _with_sandbox(with_pre_start(plan, project, observed.containers), project, observed)


def _with_sandbox(plan: Plan, project: Project, observed: Observed) -> Plan:
    names = tuple(one.service for one in observed.containers if one.service in project.services)
    base = reconcile(project, replace(observed, containers=()), UpOptions(services=names, start=False))
    needed = tuple(step for step in base.steps if step.action.subject.startswith(("sandbox/", "network/")))
    ids = frozenset(step.id for step in needed)
    return Plan((*needed, *(Step(step.action, step.cause, step.after | ids, step.behind) for step in plan.steps)))
