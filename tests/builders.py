"""Short ways to write projects, and what is there of them, in tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from composer.model.mounts import FileSource, Mount, Volume
from composer.model.network import Attachment, Network
from composer.model.project import Project
from composer.model.service import Dependency, Service
from composer.observed import Container, Endpoint, NetworkState, Observed, Process, VolumeState
from composer.plan import fingerprint, labels

IMAGE_ID = "1" * 64


def service(
    name: str,
    *,
    needs: Iterable[str] | Mapping[str, Any] = (),
    on: Iterable[str] = (),
    data: Mapping[str, str] | None = None,
    **fields: Any,
) -> Service:
    """`needs`: names, or name -> condition or Dependency; `on`: networks; `data`: named volume -> target."""
    edges: Mapping[str, Any] = needs if isinstance(needs, Mapping) else dict.fromkeys(needs, "service_started")
    depends_on = {other: edge if isinstance(edge, Dependency) else Dependency(condition=edge) for other, edge in edges.items()}
    mounts = tuple(Mount(type="volume", source=source, target=target) for source, target in (data or {}).items())
    networks = {key: Attachment() for key in on}
    return Service(**{"name": name, "image": f"{name}:1", "depends_on": depends_on, "networks": networks, "volumes": mounts, **fields})


def project(
    *services: Service,
    name: str = "shop",
    networks: Mapping[str, Any] | None = None,
    volumes: Iterable[str] = (),
    secrets: Mapping[str, Any] | None = None,
    inactive: Iterable[str] = (),
) -> Project:
    """Every network that a service is on is defined; `networks`: further fields of these."""
    keys = dict.fromkeys((*(networks or {}), *(key for one in services for key in one.networks)))
    mounts = [mount for one in services for mount in one.volumes]
    held = dict.fromkeys((*volumes, *(mount.source for mount in mounts if mount.type == "volume" and mount.source)))
    return Project(
        name=name,
        working_dir=f"/srv/{name}",
        services={one.name: one for one in services},
        networks={key: Network(**{"key": key, "name": f"{name}_{key}", **(networks or {}).get(key, {})}) for key in keys},
        volumes={key: Volume(key=key, name=f"{name}_{key}") for key in held},
        secrets={key: FileSource(**{"key": key, "name": key, **fields}) for key, fields in (secrets or {}).items()},
        inactive=tuple(inactive),
    )


def container(wanted: Project, of: str, number: int = 1, /, **fields: Any) -> Container:
    """The container that `up` would have made of a service, running."""
    one = wanted.services[of]
    mark = fingerprint.of_service(one, fields.pop("contents", {}), wanted.volumes)
    title = one.container_name or f"{wanted.name}-{of}-{number}"
    tags = labels.of_container(wanted, one, number, oneoff=False, fingerprint=mark)
    made = Container(
        id=f"{of}{number}".ljust(64, "0"),
        name=title,
        service=of,
        number=number,
        status="running",
        fingerprint=mark,
        image=one.image,
        image_id=IMAGE_ID,
        process=Process(4000 + number, 1, "boot"),
        labels=tags,
        endpoints=tuple(endpoint(wanted, key, number) for key in one.networks),
    )
    return replace(made, **fields)


def endpoint(wanted: Project, key: str, number: int) -> Endpoint:
    state = network_state(wanted, key)
    address = state.subnet.replace(".0/", f".{number + 1}/")
    return Endpoint(key, "eth0", f"v{key}{number}", address, state.gateway, "02:42:00:00:00:01", default_route=True)


def network_state(wanted: Project, key: str) -> NetworkState:
    network = wanted.networks[key]
    number = list(wanted.networks).index(key)
    return NetworkState(
        key,
        network.name,
        f"br-{key}",
        "02:00:00:00:00:01",
        f"10.0.{number}.0/24",
        f"10.0.{number}.1",
        network.internal,
        fingerprint.of_network(network),
    )


def volume_state(wanted: Project, key: str) -> VolumeState:
    return VolumeState(wanted.volumes[key].name, key, fingerprint.of_volume(wanted.volumes[key]))


def images(wanted: Project) -> dict[str, str]:
    """Every image is in the store."""
    return {one.image: IMAGE_ID for one in wanted.services.values()}


def nothing(wanted: Project) -> Observed:
    """Only the images are there."""
    return Observed(images=images(wanted))


def everything(wanted: Project, *containers: Container) -> Observed:
    """All is as the file says, with these containers, or, none given, with all of them running."""
    numbers = ((name, number) for name, one in wanted.services.items() for number in range(1, one.replicas + 1))
    made = containers or tuple(container(wanted, *one) for one in numbers)
    return Observed(
        sandbox=bool(wanted.networks),
        networks={key: network_state(wanted, key) for key in wanted.networks},
        volumes={one.name: volume_state(wanted, key) for key, one in wanted.volumes.items()},
        containers=made,
        images=images(wanted),
    )
