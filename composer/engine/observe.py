"""One reading of the machine: records, believed only with proof, and what the project names."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from composer.engine import sharing
from composer.engine.records import read_containers, read_networks
from composer.observed import Container, NetworkState, Observed
from composer.plan.late import source_paths
from composer.store import ProjectPlaces

if TYPE_CHECKING:
    from composer.host import Host
    from composer.model.project import Project


def observe(places: ProjectPlaces, host: Host, project: Project | None, containers: Iterable[Container] | None = None) -> Observed:
    """`containers`: the records that the one writer has in memory; without them they are read from disk."""
    records = tuple(read_containers(places) if containers is None else containers)
    sandbox = host.network.sandbox_exists()
    bridges = host.network.bridges() if sandbox else frozenset()
    networks = {key: state for key, state in read_networks(places).items() if state.bridge in bridges}
    volumes = host.storage.volumes()
    return Observed(
        sandbox=sandbox,
        networks=networks,
        shared=_shared(places, project),
        guests={key: guests for key, one in networks.items() if (guests := _guests(places, one))},
        volumes=volumes,
        containers=tuple(proven(one, host) for one in records),
        images=_images(host, project),
        ages=_ages(host, project),
        contents=_contents(host, project),
        paths=_paths(project),
    )


def _shared(places: ProjectPlaces, project: Project | None) -> dict[str, NetworkState]:
    """Of the networks whose name is not made of the project's, those that are there and not its own."""
    networks = project.networks.values() if project else ()
    names = {one.name for one in networks if project and (one.external or one.name != f"{project.name}_{one.key}")}
    found = {name: sharing.find(places.top, name, places.hash) for name in names}
    return {name: state for name, state in found.items() if state}


def _guests(places: ProjectPlaces, network: NetworkState) -> tuple[str, ...]:
    others = () if network.joined else sharing.members(places.top, network.name)
    return tuple(one.project for one in others if one.places.hash != places.hash)


def proven(container: Container, host: Host) -> Container:
    """A record that says "running" without its process being there means a container that has ended unseen."""
    if container.status in ("running", "paused") and not (container.process and host.runtime.alive(container.process)):
        return replace(container, status="exited")
    if container.status == "created" and container.process and not host.runtime.alive(container.process):
        return replace(container, process=None)
    return container


def _images(host: Host, project: Project | None) -> dict[str, str]:
    services = project.services.values() if project else ()
    names = {name for service in services for name in (service.image, *service.further_images)}
    found = {name: host.images.find(name) for name in names}
    return {name: image.id for name, image in found.items() if image}


def _ages(host: Host, project: Project | None) -> dict[str, float]:
    """Only where a policy goes by it."""
    names = {service.image for service in project.services.values() if service.refresh_after} if project else set()
    ages = {name: host.images.age(name) for name in names}
    return {name: age for name, age in ages.items() if age is not None}


def _contents(host: Host, project: Project | None) -> dict[str, str]:
    if not project:
        return {}
    sources = {f"secrets/{key}": source for key, source in project.secrets.items()}
    sources |= {f"configs/{key}": source for key, source in project.configs.items()}
    names = {mount.source for service in project.services.values() for mount in service.volumes if mount.type == "image"}
    images = {f"images/{name}": image.id for name in names if (image := host.images.find(name))}
    return {**host.storage.digests(sources), **images}


def _paths(project: Project | None) -> dict[str, Literal["folder", "file", "missing"]]:
    services = project.services.values() if project else ()
    named = {path for service in services if project for path in source_paths(service, project)}
    return {path: "folder" if os.path.isdir(path) else "file" if os.path.exists(path) else "missing" for path in named}
