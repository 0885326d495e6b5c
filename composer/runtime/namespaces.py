"""Which namespaces a container has of its own, shares with the host, or joins (namespaces(7)): `linux.namespaces`. Pure."""

from __future__ import annotations

from composer.errors import ContainerError
from composer.host import ContainerSpec
from composer.model.service import Service
from composer.runtime.machine import Facts

#: OCI's name, the attribute of the service, the file in /proc/PID/ns.
KINDS = (("pid", "pid", "pid"), ("ipc", "ipc", "ipc"), ("uts", "uts", "uts"), ("mount", "", "mnt"), ("network", "network_mode", "net"),
         ("cgroup", "cgroup", "cgroup"))


def namespaces(spec: ContainerSpec, facts: Facts) -> list[dict[str, str]]:
    """A new network namespace stays empty until the network driver fills it, between create and start."""
    entries = []
    for kind, attribute, file in KINDS:
        mode = getattr(spec.service, attribute) if attribute else None
        if mode == "host" or (kind == "cgroup" and not facts.cgroup_namespace):
            continue
        entries.append({"type": kind, **_joined(spec, attribute, file)})
    return entries


def _joined(spec: ContainerSpec, attribute: str, file: str) -> dict[str, str]:
    shared = {**spec.service.joined, **spec.service.joined_containers}
    if attribute not in shared:
        return {}
    owner = spec.joined.get(attribute)
    if owner is None:
        raise ContainerError(f"services.{spec.service.name}.{attribute}: no container of {shared[attribute]} to join")
    return {"path": f"/proc/{owner.pid}/ns/{file}"}


def own_network(service: Service) -> bool:
    return service.network_mode != "host" and "network_mode" not in {**service.joined, **service.joined_containers}
