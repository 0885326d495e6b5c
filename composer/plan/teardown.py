"""Stopping and taking away, dependents first. An error in one step does not keep the others: edges only order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from composer.observed import Container, Observed
from composer.plan.actions import (
    CONDITIONS,
    AwaitService,
    LeaveNetwork,
    PauseContainer,
    RemoveContainer,
    RemoveImage,
    RemoveNetwork,
    RemoveSandbox,
    RemoveVolume,
    StartContainer,
    StopContainer,
    UnpauseContainer,
)
from composer.plan.labels import dependencies, restarts_with
from composer.plan.options import DownOptions
from composer.plan.steps import Draft, Plan, step_id


def stop(
    observed: Observed,
    services: Sequence[str],
    timeout: float | None,
    cause: str = "asked for",
    *,
    restarting: Collection[str] = (),
) -> Plan:
    """Stop the containers of the services (none named: of all), dependents first. `restarting`: names of those that
    have ended and that their restart policy is about to start again."""
    draft = Draft()
    _stops(draft, _of(observed, services), timeout, cause, restarting)
    return draft.plan()


def restart(observed: Observed, services: Sequence[str], timeout: float | None, *, alone: bool = False) -> Plan:
    """Stop, dependents first, then start, dependencies first. The file is not looked at. Services that asked for it
    (`depends_on.restart: true`) restart with what they depend on, unless the services named are to restart `alone`."""
    named = {one.service for one in _of(observed, services)}
    while not alone and (more := {one.service for one in _of(observed, ()) if named & restarts_with(one.labels)} - named):
        named |= more
    chosen = [one for one in _of(observed, ()) if one.service in named and one.status not in ("creating", "removing")]
    draft = Draft()
    _stops(draft, chosen, timeout, "asked for")
    _starts(draft, chosen, "asked for")
    return draft.plan()


def start(observed: Observed, services: Sequence[str], *, wait: bool = False) -> Plan:
    """Start what is there and does not run, dependencies first. `wait`: until all of the services are running, or healthy."""
    draft = Draft()
    _starts(draft, [one for one in _of(observed, services) if one.status in ("created", "exited")], "asked for")
    if wait:
        _wait(draft, _of(observed, services))
    return draft.plan()


def resume(observed: Observed, names: Collection[str]) -> Plan:
    """Start these after the machine went down, dependencies first; who waits for one that fails is started all the same."""
    draft = Draft()
    due = [one for one in _of(observed, ()) if one.name in names and one.status == "exited"]
    _starts(draft, due, "the machine went down", strict=False)
    return draft.plan()


def down(observed: Observed, options: DownOptions, project: str, known: Iterable[str], images: Iterable[str]) -> Plan:
    """Remove containers, then networks, sandbox, volumes, images. `known`: the services that the file names, all other
    containers are orphans; `images`: references to remove with the rest."""
    draft = Draft()
    named = set(known)
    whole = not options.services
    gone = [one for one in _down_with(observed, options.services) if one.service in named or options.remove_orphans or not named]
    gone = [one for one in gone if not one.oneoff or options.remove_orphans or one.status != "running"]
    left = [one for one in observed.containers if one not in gone]
    _stops(draft, gone, options.timeout, "asked for", insist=True)
    removed = [draft.add(RemoveContainer(one.name, True), "asked for", behind=[step_id(StopContainer(one.name))]) for one in gone]
    if left and whole:
        draft.warnings.append(f"left running: {', '.join(one.name for one in left)}; --remove-orphans removes them")
    if whole and not left:
        _sandbox(draft, observed, project, removed)
    if options.volumes and whole:
        held = {name for one in left for _, name in one.anonymous}
        for name in observed.volumes:
            if name not in held and not left:
                draft.add(RemoveVolume(name), "asked for", behind=removed)
    for reference in images:
        draft.add(RemoveImage(reference), "asked for", behind=removed)
    return draft.plan()


def remove(observed: Observed, services: Sequence[str], *, stop: bool, volumes: bool) -> Plan:
    """Remove containers that do not run, with `stop` also those that do, after stopping them; one-off ones only when no service is
    named. `volumes`: their anonymous volumes as well."""
    chosen = list(observed.containers) if not services else _of(observed, services)
    if not stop:
        chosen = [one for one in chosen if one.status not in ("running", "paused")]
    draft = Draft()
    if stop:
        _stops(draft, chosen, None, "asked for", insist=True)
    for one in chosen:
        draft.add(RemoveContainer(one.name, volumes), "asked for", behind=[step_id(StopContainer(one.name))])
    return draft.plan()


def orphans(observed: Observed, known: Sequence[str]) -> Plan:
    """Remove the containers of services that are not known any more."""
    draft = Draft()
    for one in _of(observed, ()):
        if one.service not in known:
            draft.add(RemoveContainer(one.name, True), "no such service any more")
    return draft.plan()


def pause(observed: Observed, services: Sequence[str], names: Collection[str] = ()) -> Plan:
    """Freeze what runs; `names`: only these containers of the services."""
    draft = Draft()
    for one in _of(observed, services):
        if one.status == "running" and (not names or one.name in names):
            draft.add(PauseContainer(one.name), "asked for")
    return draft.plan()


def unpause(observed: Observed, services: Sequence[str], names: Collection[str] = ()) -> Plan:
    draft = Draft()
    for one in _of(observed, services):
        if one.status == "paused" and (not names or one.name in names):
            draft.add(UnpauseContainer(one.name), "asked for")
    return draft.plan()


def _sandbox(draft: Draft, observed: Observed, project: str, removed: list[str]) -> None:
    for key, guests in observed.guests.items():
        draft.warn(f"network {observed.networks[key].name} is still in use by {', '.join(guests)}: it stays for them")
    networks = [
        draft.add(LeaveNetwork(key, one.name) if one.joined else RemoveNetwork(key, one.name), "asked for", behind=removed)
        for key, one in observed.networks.items()
    ]
    if observed.sandbox:
        draft.add(RemoveSandbox(project), "asked for", behind=[*removed, *networks])


def _of(observed: Observed, services: Sequence[str]) -> list[Container]:
    return [one for one in observed.containers if not one.oneoff and (not services or one.service in services)]


def _down_with(observed: Observed, services: Sequence[str]) -> list[Container]:
    """The containers of the services and of all that depend on them."""
    if not services:
        return list(observed.containers)
    gone = set(services)
    while more := {one.service for one in observed.containers if gone & dependencies(one.labels).keys()} - gone:
        gone |= more
    return [one for one in observed.containers if one.service in gone]


def _stops(
    draft: Draft,
    containers: Sequence[Container],
    timeout: float | None,
    cause: str,
    restarting: Collection[str] = (),
    *,
    insist: bool = False,
) -> None:
    running = [one for one in containers if one.status in ("running", "paused", "created", "creating") or one.name in restarting]
    for one in _dependents_first(running):
        dependents = [other for other in running if one.service in dependencies(other.labels)]
        awaited = any(dependencies(other.labels)[one.service] == "service_completed_successfully" for other in dependents)
        behind = [step_id(StopContainer(other.name)) for other in dependents]
        draft.add(StopContainer(one.name, timeout, awaited, insist=insist), cause, behind=behind)


def _starts(draft: Draft, containers: Sequence[Container], cause: str, *, strict: bool = True) -> None:
    """As the containers' labels have it: after what they depend on, and after its health or completion; with `strict` only if these come
    true."""
    for one in reversed(_dependents_first(containers)):
        gates = [step_id(StopContainer(one.name))]
        for name, condition in dependencies(one.labels).items():
            starts = [step_id(StartContainer(other.name)) for other in containers if other.service == name]
            gates += starts
            if starts and condition in CONDITIONS:
                waiters = tuple(sorted({other.service for other in containers if dependencies(other.labels).get(name) == condition}))
                why = f"{' and '.join(waiters)} {'depend' if len(waiters) > 1 else 'depends'} on it"
                gates.append(draft.add(AwaitService(name, CONDITIONS[condition], waiters, required=strict), why, after=starts))
        draft.add(StartContainer(one.name), cause, after=gates if strict else (), behind=() if strict else gates)


def _wait(draft: Draft, containers: Sequence[Container]) -> None:
    """What others wait for is waited for already."""
    awaited = {step.action.service for step in draft.steps.values() if isinstance(step.action, AwaitService)}
    for service in dict.fromkeys(one.service for one in containers):
        if service not in awaited:
            starts = [step_id(StartContainer(one.name)) for one in containers if one.service == service]
            draft.add(AwaitService(service, "ready"), "asked for", after=starts)


def _dependents_first(containers: Sequence[Container]) -> list[Container]:
    """Stable topological order over the labels; a cycle (labels of different times) is cut anywhere."""
    left = sorted(containers, key=lambda one: one.name)
    ordered: list[Container] = []
    while left:
        needed = {name for one in left for name in dependencies(one.labels)}
        free = [one for one in left if one.service not in needed] or left[:1]
        ordered += free
        left = [one for one in left if one not in free]
    return ordered
