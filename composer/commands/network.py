"""`composer network`: the networks of this machine, and those that belong to no project."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256

from composer.engine import sharing
from composer.engine.records import read_containers, read_networks
from composer.errors import AbsentError, ComposerError, UsageError
from composer.model.network import Network, Subnet
from composer.observed import Container, Endpoint, NetworkState
from composer.store import Places, remove_tree, write_json


@dataclass(frozen=True, slots=True)
class NetworkRequest:
    name: str
    subnets: tuple[Subnet, ...] = ()
    internal: bool = False
    ipv6: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    driver_opts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListedNetwork:
    """`ends`: the containers on it, running or not."""

    state: NetworkState
    ends: tuple[tuple[Container, Endpoint], ...] = ()

    @property
    def id(self) -> str:
        """64 hexadecimal digits, as Docker's."""
        return sha256(f"{self.state.owner} {self.state.name} {self.state.created_at}".encode()).hexdigest()


def create(places: Places, request: NetworkRequest) -> str:
    """Make a network that projects can name as external; its id."""
    from composer.supervisor.drivers import open_host

    if request.name in ("bridge", "host", "none"):
        raise UsageError(f"{request.name} is the name of one of the engine's own networks")
    if not sharing.NAME.fullmatch(request.name):
        raise UsageError(f"{request.name!r} is no network name", hint="letters, digits, _ . - are, beginning with a letter or digit")
    wanted = Network(key=request.name, name=request.name, driver_opts=request.driver_opts, internal=request.internal,
                     enable_ipv6=request.ipv6,
                     ipam=request.subnets, labels=request.labels)
    places.make()
    with sharing.settled(places):
        others = [replace(one, key="") for one in sharing.everywhere(places)]
        if any(one.name == request.name for one in others):
            raise ComposerError(f"network {request.name} is there already", hint=f"composer network inspect {request.name}")
        now = time.time()
        driver = open_host(places.project("none")).network  # chooses addresses and touches nothing
        state = driver.plan_network(wanted, others, sha256(f"{request.name} {now}".encode()).hexdigest())
        state = replace(state, key="", bridge="", created_at=now)
        write_json(places.network(request.name).record, state.to_json())
    return ListedNetwork(state).id


def networks(places: Places) -> list[ListedNetwork]:
    """Every network of this machine, by name."""
    ends = {(owner, name): tuple(found) for (owner, name), found in _ends(places).items()}
    found = [ListedNetwork(state, ends.get((state.owner, state.name), ())) for state in sharing.everywhere(places)]
    return sorted(found, key=lambda one: one.state.name)


def named(places: Places, names: Iterable[str]) -> Iterator[ListedNetwork]:
    """By name, or by (the beginning of) id; one that is not there is an error."""
    there = networks(places)
    for name in names:
        found = [one for one in there if one.state.name == name] or [one for one in there if one.id.startswith(name)]
        if not found:
            raise AbsentError(f"network {name} does not exist", hint="composer network ls")
        yield found[0]


def remove(places: Places, name: str) -> str:
    """Remove a network that nobody uses and that belongs to no project; its name."""
    with sharing.settled(places):
        one = next(named(places, [name]))
        _refuse(places, one)
        remove_tree(places.network(one.state.name).state)
    return one.state.name


def unused(places: Places) -> list[str]:
    """The networks that `prune` removes."""
    return [one.state.name for one in networks(places) if not (one.state.owner or sharing.members(places, one.state.name))]


def _refuse(places: Places, one: ListedNetwork) -> None:
    users = sorted({member.project for member in sharing.members(places, one.state.name)})
    if users:
        raise ComposerError(f"network {one.state.name} is in use by {', '.join(users)}", hint="composer -p PROJECT down, for each of them")
    if one.state.owner:
        project = sharing.Member(places.project(one.state.owner), "").project
        raise ComposerError(f"network {one.state.name} belongs to project {project}", hint=f"composer -p {project} down")


def _ends(places: Places) -> dict[tuple[str, str], list[tuple[Container, Endpoint]]]:
    """(owner, name) of a network -> the ends of containers on it."""
    found: dict[tuple[str, str], list[tuple[Container, Endpoint]]] = {}
    for project in places.projects():
        states = read_networks(project)
        for container in read_containers(project):
            for end in container.endpoints:
                if state := states.get(end.network):
                    owner = state.owner if state.joined else project.hash
                    found.setdefault((owner, state.name), []).append((container, end))
    return found
