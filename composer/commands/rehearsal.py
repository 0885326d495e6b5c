"""`--dry-run`: the plan that the supervisor would make of a request, made here. Touches nothing, starts nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from composer.commands.session import Session
from composer.engine.observe import observe
from composer.errors import UsageError
from composer.model.project import Project
from composer.observed import Observed
from composer.plan import providers, teardown
from composer.plan.images import image_steps
from composer.plan.options import DownOptions, UpOptions
from composer.plan.prepared import prepared
from composer.plan.reconcile import reconcile, selected
from composer.plan.steps import Plan
from composer.store import ProjectPlaces, read_json
from composer.supervisor import imaging
from composer.supervisor.drivers import open_host
from composer.supervisor.tending import meant

Args = dict[str, Any]


def rehearsed(session: Session, places: ProjectPlaces, verb: str, args: Args) -> dict[str, Any]:
    """The result of a request of which nothing was done; `session.rehearse` is told the plan."""
    make = PLANS.get(verb)
    if make is None or session.rehearse is None:
        raise UsageError("--dry-run: what this command does has no plan to show")
    plan = make(places, args)
    for warning in plan.warnings:
        session.audience.warn(warning)
    signals = _signals(places, args) if verb == "kill" else []
    session.rehearse("\n".join([*signals, *filter(None, [str(plan)])]) or "nothing to do")
    return {"steps": 0, "died": []}


def _observed(places: ProjectPlaces, project: Project | None = None) -> Observed:
    return observe(places, open_host(places), project)


def _signals(places: ProjectPlaces, args: Args) -> list[str]:
    """They are no steps: all are sent at once, also in the middle of another plan."""
    living = [one for one in meant(_observed(places).containers, args) if one.status in ("running", "paused")]
    return [f"send {args['signal']} to container/{one.name}" for one in living]


def _up(places: ProjectPlaces, args: Args) -> Plan:
    whole, options = Project.model_validate(args["project"]), _up_options(args["options"])
    project = providers.contained(whole, read_json(places.providers))  # as other programs have said the last time
    observed = _observed(places, project)
    images = image_steps([project.services[name] for name in selected(project, options)], observed, options, project)
    first = providers.provide(whole, selected(whole, options)) if options.start else Plan()
    return first + reconcile(project, observed, options, images)


def _down(places: ProjectPlaces, args: Args) -> Plan:
    options = DownOptions(**{**args["options"], "services": tuple(args["options"].get("services", ()))})
    plan, stored = teardown.down(_observed(places), options, args["project"], args["known"], args["images"]), read_json(places.project_file)
    if not stored:
        return plan
    project = Project.model_validate(stored)
    return plan + providers.withdraw(project, options.services or project.services)


def _start(places: ProjectPlaces, args: Args) -> Plan:
    return _prepared(places, teardown.start(_observed(places), args["services"], wait=args["wait"]))


def _restart(places: ProjectPlaces, args: Args) -> Plan:
    return _prepared(places, teardown.restart(_observed(places), args["services"], args["timeout"], alone=args["alone"]))


def _prepared(places: ProjectPlaces, plan: Plan) -> Plan:
    stored = read_json(places.project_file)
    project = Project.model_validate(stored) if stored else None
    return prepared(plan, project, _observed(places, project)) if plan and project else plan


def _images(plans_of: imaging.PlansOf) -> Callable[[ProjectPlaces, Args], Plan]:
    def make(places: ProjectPlaces, args: Args) -> Plan:
        project = Project.model_validate(args["project"])
        observed = _observed(places, project)
        return sum((plan_of(observed) for plan_of in plans_of(project, args)), Plan())

    return make


def _remove(places: ProjectPlaces, args: Args) -> Plan:
    return teardown.remove(_observed(places), args["services"], stop=args["stop"], volumes=args["volumes"])


def _orphans(places: ProjectPlaces, args: Args) -> Plan:
    return teardown.orphans(_observed(places), args["known"]) if args["known"] is not None else Plan()


def _up_options(value: Args) -> UpOptions:
    return UpOptions(**{**value, "services": tuple(value["services"])})


#: How the plan of a verb comes about.
PLANS: Mapping[str, Callable[[ProjectPlaces, Args], Plan]] = {
    "up": _up,
    "down": _down,
    "stop": lambda places, args: teardown.stop(_observed(places), args["services"], args["timeout"]),
    "start": _start,
    "restart": _restart,
    "rm": _remove,
    "kill": _orphans,
    "pause": lambda places, args: teardown.pause(_observed(places), args["services"]),
    "unpause": lambda places, args: teardown.unpause(_observed(places), args["services"]),
    "build": _images(imaging.build_plans),
    "pull": _images(imaging.pull_plans),
    "push": _images(imaging.push_plans),
}
