"""A container's record and blueprint -> what the runtime and storage drivers are asked for."""

from __future__ import annotations

import os
from collections.abc import Callable

from composer.engine.finding import Found, find_container
from composer.engine.scene import Scene
from composer.errors import ContainerError
from composer.host import ContainerSpec, Image, RootfsRequest
from composer.model.blueprint import Blueprint
from composer.model.service import Service
from composer.observed import Container, Process

#: What stands for the host's address in `extra_hosts`.
HOST_GATEWAY = "host-gateway"

BlueprintOf = Callable[[str], Blueprint]  # of a container, by id


def describe(
    scene: Scene, blueprint_of: BlueprintOf, container: Container, image: Image, *, stdin: bool
) -> tuple[ContainerSpec, RootfsRequest]:
    """`blueprint_of`: reads what a container is made from; `stdin`: its stdin is that of who is attached, and ends with it.

    Raises ContainerError when a service to join has no container."""
    blueprint = blueprint_of(container.id)
    service = blueprint.service
    owner = _network_owner(scene, service)
    name = _hostname(owner.container, owner.blueprint.service) if owner else _hostname(container, service)
    request = RootfsRequest(
        container.id,
        service,
        image,
        name,
        _hosts(scene, container, service, name),
        blueprint.volumes,
        blueprint.secrets,
        blueprint.configs,
        container.anonymous,
        {mount.source: _mounted(scene, service, mount.source) for mount in service.volumes if mount.type == "image"},
        owner.files if owner else None,
    )
    spec = ContainerSpec(
        container.id,
        container.name,
        service,
        image.config,
        name,
        container.runtime,
        stdin=stdin or service.stdin_open,
        lasting=service.tty or (service.stdin_open and not stdin),
        tty=service.tty,
        joined={attribute: _process(scene, service, attribute) for attribute in (*service.joined, *service.joined_containers)},
    )
    return spec, request


def _mounted(scene: Scene, service: Service, reference: str) -> Image:
    image = scene.host.images.find(reference)
    if image is None:
        raise ContainerError(f"services.{service.name}.volumes: image {reference} is not in composer's image store", hint="composer pull")
    return image


def _owner(scene: Scene, service: Service, attribute: str) -> Found | None:
    """The container whose namespace is shared: the first of a service, or the one of that name."""
    if attribute in service.joined_containers:
        return find_container(scene, service.joined_containers[attribute])
    name = service.joined.get(attribute)
    first = next((one for one in scene.records.all() if one.service == name and not one.oneoff), None)
    return Found(scene.places, first) if first else None


def _process(scene: Scene, service: Service, attribute: str) -> Process:
    owner = _owner(scene, service, attribute)
    if owner is None or owner.container.process is None or not scene.host.runtime.alive(owner.container.process):
        name = service.joined.get(attribute) or service.joined_containers[attribute]
        hint = f"composer up -d {name}" if attribute in service.joined else "it has to run before: bring up its project first"
        raise ContainerError(f"services.{service.name}.{attribute}: {name} does not run", hint=hint)
    return owner.container.process


def _network_owner(scene: Scene, service: Service) -> Found | None:
    """Whose network it is in the end: a joined one may have joined another."""
    owner = _owner(scene, service, "network_mode")
    return (_network_owner(scene, owner.blueprint.service) or owner) if owner else None


def _hostname(container: Container, service: Service) -> str:
    shares_hosts = service.network_mode == "host" or service.uts == "host"
    return service.hostname or (os.uname().nodename if shares_hosts else container.id[:12])


def _hosts(scene: Scene, container: Container, service: Service, name: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Further lines of /etc/hosts: the container's own addresses, the full name first (hosts(5)), then `extra_hosts`."""
    full = f"{name}.{service.domainname}" if service.domainname else name
    names = tuple(dict.fromkeys((full, full.partition(".")[0])))
    extra = (entry.partition("=")[::2] for entry in service.extra_hosts)
    return (
        *((one.split("/")[0], names) for end in container.endpoints for one in (end.address, end.address6) if one),
        *((_gateway(scene, container) if address == HOST_GATEWAY else address, (host,)) for host, address in extra),
    )


def _gateway(scene: Scene, container: Container) -> str:
    return scene.host.network.host_address() if container.endpoints else "127.0.0.1"
