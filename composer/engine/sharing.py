"""Networks that projects share: those of `composer network create`, and a project's own that others name as external.

    ROOT/networks/NAME/network.json      what it is
    ROOT/networks/NAME/members/HASH      a project that is on it, and by which key of its file

No process serves one (docs/decisions/0019): its members read each other's container records, which say what addresses are taken and which
names there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from composer.engine.records import read_containers, read_networks
from composer.errors import NetworkError
from composer.observed import Container, Endpoint, NetworkState
from composer.store import NetworkPlaces, Places, ProjectPlaces, locked, read_json, remove_tree, write_json

NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class Member:
    """A project that is on a shared network; `key` is the network's in its file."""

    places: ProjectPlaces
    key: str

    @property
    def project(self) -> str:
        """Its name."""
        return str((read_json(self.places.project_file) or {}).get("name") or self.places.hash)


@contextmanager
def settled(top: Places) -> Iterator[None]:
    """Nobody else on this machine chooses subnets or addresses, joins or leaves, as long as the block runs."""
    with locked(top.run / "networks.lock"):
        yield


def recorded(places: NetworkPlaces) -> NetworkState | None:
    value = read_json(places.record)
    return NetworkState.from_json(value) if value else None


def everywhere(top: Places) -> Iterator[NetworkState]:
    """Each network of this machine once, in no order; `owner` is set where it belongs to a project."""
    shared = [state for one in top.networks() if (state := recorded(one))]
    yield from shared
    known = {(state.owner, state.name) for state in shared}
    for project in top.projects():
        for state in read_networks(project).values():
            if not state.joined and (project.hash, state.name) not in known:
                yield replace(state, owner=project.hash)


def find(top: Places, name: str, asking: str = "") -> NetworkState | None:
    """The network of that name which is not one of the project `asking` (HASH). NetworkError when several projects have one."""
    found = [state for state in everywhere(top) if state.name == name and not (asking and state.owner == asking)]
    if len(found) > 1:
        folders = sorted(str((read_json(top.project(one.owner).project_file) or {}).get("working_dir")) for one in found if one.owner)
        raise NetworkError(f"network {name}: there are {len(found)} of that name: the projects in {' and '.join(folders)}",
                           hint="give the shared one a name of its own (name:)")
    return found[0] if found else None


def members(top: Places, name: str) -> list[Member]:
    """The projects that are on a shared network; a mark that a project left behind when it was taken away by force is none."""
    places = top.network(name)
    found = []
    with suppress(FileNotFoundError):
        for mark in sorted(places.members.iterdir()):
            value, project = read_json(mark), top.project(mark.name)
            if value and project.state.is_dir():
                found.append(Member(project, value["key"]))
    return found


def _checked(name: str) -> str:
    """It becomes a folder, whoever has chosen it."""
    if not NAME.fullmatch(name):
        raise NetworkError(f"network {name}: with this name it cannot be shared", hint="letters, digits, _, . and - make a name (name:)")
    return name


def join(places: ProjectPlaces, network: NetworkState, part: NetworkState) -> None:
    """Put the project down as a member of a network that `find` has found, and the owner with its first guest; inside `settled`. `part` is
    what the project has of it."""
    shared = places.top.network(_checked(network.name))
    if not shared.record.exists():
        write_json(shared.members / network.owner, {"key": network.key, "bridge": network.bridge})
        write_json(shared.record, replace(network, key="", bridge="").to_json())
    write_json(shared.members / places.hash, {"key": part.key, "bridge": part.bridge})


def leave(places: ProjectPlaces, name: str) -> bool:
    """Take the project's mark away, and with the last one the network, unless it was made by `composer network create`; inside `settled`.
    Whether nobody is on it any more."""
    shared = places.top.network(name)
    (shared.members / places.hash).unlink(missing_ok=True)
    if members(places.top, name):
        return False
    state = recorded(shared)
    if state is None or state.owner:
        remove_tree(shared.state)
    return True


def joined(places: ProjectPlaces) -> list[str]:
    """The names of all shared networks that the project is on."""
    return [one.name for one in places.top.networks() if (one.members / places.hash).exists()]


def neighbours(places: ProjectPlaces, name: str) -> Iterator[tuple[Container, Endpoint]]:
    """The containers of other projects on a shared network, running or not, each with its end there."""
    for one in members(places.top, name):
        if one.places.hash != places.hash:
            for container in read_containers(one.places):
                yield from ((container, end) for end in container.endpoints if end.network == one.key)


def taken(places: ProjectPlaces, names: Iterable[str]) -> frozenset[str]:
    """The addresses that containers of other projects have on these networks; inside `settled`."""
    ends = [end for name in names for _, end in neighbours(places, name)]
    return frozenset(address.partition("/")[0] for end in ends for address in (end.address, end.address6))
