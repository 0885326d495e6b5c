"""What a plan's steps make of an Observed, done on values only: the machine as `reconcile` may imagine it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from composer.observed import Container, Endpoint, NetworkState, Observed, VolumeState
from composer.plan.actions import (
    Action,
    AwaitService,
    BuildImage,
    CreateContainer,
    CreateNetwork,
    CreateSandbox,
    CreateVolume,
    JoinNetwork,
    LeaveNetwork,
    PullImage,
    RemoveContainer,
    RemoveImage,
    RemoveNetwork,
    RemoveSandbox,
    RemoveVolume,
    StartContainer,
    StopContainer,
)
from composer.plan.steps import Plan
from tests.builders import IMAGE_ID

V = TypeVar("V")


def follow(plan: Plan, observed: Observed) -> Observed:
    """Every step from top to bottom; a step that could not be done, or that comes before one it waits for, is an AssertionError."""
    done: set[str] = set()
    ids = {step.id for step in plan.steps}
    for step in plan.steps:
        assert step.after | step.behind <= ids, f"{step.id} waits for what is not in the plan"
        assert step.after | step.behind <= done, f"{step.id} stands before what it waits for"
        observed = _do(step.action, observed)
        done.add(step.id)
    return observed


def _do(action: Action, observed: Observed) -> Observed:  # one row an action
    match action:
        case PullImage() | BuildImage():
            return replace(observed, images={**observed.images, action.reference: IMAGE_ID})
        case RemoveImage():
            return replace(observed, images=_without(observed.images, action.reference))
        case CreateSandbox() | RemoveSandbox():
            assert isinstance(action, CreateSandbox) or not observed.networks, "networks are left in the sandbox"
            return replace(observed, sandbox=isinstance(action, CreateSandbox))
        case CreateNetwork():
            assert observed.sandbox, "no sandbox"
            assert action.network.key not in observed.networks, f"{action.subject} is there"
            state = NetworkState(action.network.key, action.network.name, "br", "", "10.0.0.0/24", "10.0.0.1", False, action.fingerprint)
            return replace(observed, networks={**observed.networks, state.key: state})
        case JoinNetwork():
            assert observed.sandbox, "no sandbox"
            state = replace(observed.shared[action.network.name], key=action.network.key, bridge="br", joined=True)
            return replace(observed, networks={**observed.networks, state.key: state})
        case RemoveNetwork() | LeaveNetwork():
            users = [one.name for one in observed.containers for end in one.endpoints if end.network == action.key]
            assert not users, f"{action.subject} is used by {users}"
            return replace(observed, networks=_without(observed.networks, action.key))
        case CreateVolume():
            volume = VolumeState(action.volume.name, action.volume.key, action.fingerprint)
            return replace(observed, volumes={**observed.volumes, volume.name: volume})
        case RemoveVolume():
            return replace(observed, volumes=_without(observed.volumes, action.name))
        case AwaitService():
            return _awaited(action, observed)
        case _:
            return _container(action, observed)


def _container(action: CreateContainer | StartContainer | StopContainer | RemoveContainer, observed: Observed) -> Observed:
    others = tuple(one for one in observed.containers if one.name != action.name)
    found = next((one for one in observed.containers if one.name == action.name), None)
    if isinstance(action, CreateContainer):
        assert found is None, f"{action.name} is there"
        return replace(observed, containers=(*others, _created(action, observed)))
    assert found is not None, f"{action.name} is not there"
    match action:
        case StartContainer():
            assert all(end.network in observed.networks for end in found.endpoints), f"{action.name}: its network is not there"
            return replace(observed, containers=(*others, replace(found, status="running", health="healthy")))
        case StopContainer():
            running = found.status in ("running", "paused")
            return replace(observed, containers=(*others, replace(found, status="exited", exit_code=0) if running else found))
        case RemoveContainer():
            return replace(observed, containers=others)


def _created(action: CreateContainer, observed: Observed) -> Container:
    service = action.blueprint.service
    assert set(service.networks) <= observed.networks.keys(), f"{action.name}: its networks are not there"
    volumes = {action.blueprint.volumes[mount.source].name for mount in service.volumes if mount.type == "volume" and mount.source}
    assert volumes <= observed.volumes.keys(), f"{action.name}: its volumes are not there"
    return Container(
        action.name,
        action.name,
        service.name,
        action.number,
        status="created",
        fingerprint=action.fingerprint,
        image=service.image,
        image_id=observed.images[service.image],
        labels=dict(action.labels),
        anonymous=action.anonymous,
        endpoints=tuple(Endpoint(key, "eth0", "v0", "10.0.0.2/24", "10.0.0.1", "") for key in service.networks),
    )


def _awaited(action: AwaitService, observed: Observed) -> Observed:
    """Those who are waited for to complete do so."""
    if action.condition != "completed":
        return observed
    return replace(
        observed,
        containers=tuple(
            replace(one, status="exited", exit_code=0) if one.service == action.service and one.status == "running" else one
            for one in observed.containers
        ),
    )


def _without(values: Mapping[str, V], key: str) -> dict[str, V]:
    return {one: value for one, value in values.items() if one != key}
