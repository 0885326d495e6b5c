"""Changed files -> what to do about them, in the order of docker compose: rebuild, sync, restart, exec. Pure.

Rebuilding is not here: the image has to be there before the rest can be planned (`images`, `reconcile`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from composer.host import Mirror
from composer.model.develop import WatchRule
from composer.model.project import Project
from composer.observed import Container, Observed
from composer.plan import teardown
from composer.plan.actions import RunInside, StartContainer, StopContainer, SyncFiles
from composer.plan.reactions import Reaction
from composer.plan.steps import Draft, Plan, step_id


@dataclass(frozen=True, slots=True)
class Touch:
    """Paths below a rule's own that changed ("" is that path itself). `differing`: they may have."""

    reaction: Reaction
    paths: tuple[str, ...]
    differing: bool = False


def rebuilt(touches: Iterable[Touch]) -> tuple[str, ...]:
    """The services whose image has to be built again."""
    return tuple(dict.fromkeys(touch.reaction.service for touch in touches if touch.reaction.rule.action == "rebuild"))


def followers(project: Project, services: Iterable[str], observed: Observed) -> tuple[str, ...]:
    """Services with a container that restart with one of these (`depends_on.restart: true`), and with one another."""
    there = {one.service for one in observed.containers if not one.oneoff}
    found = dict.fromkeys(services)
    named = list(found)
    for name in named:
        for other in project.services.values():
            edge = other.depends_on.get(name)
            if edge and edge.restart and other.name in there and other.name not in found:
                found[other.name] = None
                named.append(other.name)
    return tuple(name for name in found if name not in set(services))


def reload(observed: Observed, touches: Sequence[Touch], *, fresh: Iterable[str] = ()) -> Plan:
    """`fresh`: services that have just been rebuilt, and started with it."""
    draft, started = Draft(), frozenset(fresh)
    for service, its in _by_service(touches).items():
        mirrors = _mirrors(its)
        if mirrors:
            differing = service in started or any(touch.differing for touch in its)
            for one in _of(observed, service, "running", "paused", "exited"):
                draft.add(SyncFiles(one.name, mirrors, differing), cause(its))
    _restarts(draft, observed, [touch for touch in touches if touch.reaction.restarts and touch.reaction.service not in started])
    for touch in touches:
        _commands(draft, observed, touch)
    return draft.plan()


def _commands(draft: Draft, observed: Observed, touch: Touch) -> None:
    rule = touch.reaction.rule
    if rule.action != "sync+exec" or rule.exec is None:
        return
    for one in _of(observed, touch.reaction.service, "running"):
        after = [step_id(SyncFiles(one.name, ())), step_id(StartContainer(one.name))]
        draft.add(RunInside(one.name, rule.exec), cause([touch]), after=after)


def cause(touches: Sequence[Touch]) -> str:
    """`app/page.html changed`; `app/page.html and 4 others changed`."""
    paths = list(dict.fromkeys(path or _name(touch.reaction.rule) for touch in touches for path in touch.paths))
    others = f" and {len(paths) - 1} {'others' if len(paths) > 2 else 'other'}" if len(paths) > 1 else ""
    return f"{paths[0]}{others} changed" if paths else "files changed"


def _restarts(draft: Draft, observed: Observed, touches: Sequence[Touch]) -> None:
    """As `restart` does it, with those that restart along, each container after its own files."""
    if not touches:
        return
    causes = {service: cause(its) for service, its in _by_service(touches).items()}
    services = {one.name: one.service for one in observed.containers}
    for step in teardown.restart(observed, list(causes), None).steps:
        after = step.after
        if isinstance(step.action, StopContainer):
            after |= {step_id(SyncFiles(step.action.name, ()))}
        why = causes.get(services[step.action.name]) if isinstance(step.action, StopContainer | StartContainer) else step.cause
        draft.add(step.action, why or f"restarts with {' and '.join(causes)}", after=after, behind=step.behind)


def _mirrors(touches: Iterable[Touch]) -> tuple[Mirror, ...]:
    found: dict[tuple[str, str], dict[str, None]] = {}
    for touch in touches:
        rule = touch.reaction.rule
        if touch.reaction.syncs and rule.action.startswith("sync"):
            found.setdefault((rule.path, rule.target), {}).update(dict.fromkeys(touch.paths))
    return tuple(Mirror(source, target, tuple(paths)) for (source, target), paths in found.items())


def _by_service(touches: Iterable[Touch]) -> dict[str, list[Touch]]:
    found: dict[str, list[Touch]] = {}
    for touch in touches:
        found.setdefault(touch.reaction.service, []).append(touch)
    return found


def _of(observed: Observed, service: str, *status: str) -> list[Container]:
    return [one for one in observed.containers if one.service == service and not one.oneoff and one.status in status]


def _name(rule: WatchRule) -> str:
    return rule.path.rpartition("/")[2]
