"""Phase: which services take part, by profiles and by the names on the command line, and which resources they need."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from composer.errors import LoadError
from composer.load.node import Node
from composer.load.shapes import suggestion


@dataclass(frozen=True, slots=True)
class Selection:
    """The tree with the active services only; `inactive` are the names of the others."""

    root: Node
    inactive: tuple[str, ...]
    inactive_profiles: frozenset[str] = frozenset()


def select(root: Node, profiles: Iterable[str], named: Iterable[str]) -> Selection:
    """A service without profiles is active, others when one of theirs is asked for; naming a service asks for its own."""
    services = root.find("services")
    if services is None:
        return Selection(root, ())
    wanted = set(profiles)
    for name in named:
        wanted.update(_service(services, name).get("profiles") or ())
    active = {name: service for name, service in services.fields.items() if _is_active(service, wanted)}
    inactive = tuple(sorted(services.fields.keys() - active.keys()))
    profiles = frozenset(profile for name in inactive for profile in services.fields[name].get("profiles") or ())
    return Selection(root.with_fields(services=services.with_value(active)), inactive, profiles)


def _is_active(service: Node, wanted: set[str]) -> bool:
    own = set(service.get("profiles") or ())
    return not own or "*" in wanted or bool(own & wanted)


def _service(services: Node, name: str) -> Node:
    if name not in services.fields:
        near = suggestion(name, services.fields)
        raise LoadError(f"no such service: {name}", hint=f'did you mean "{near}"?' if near else
                        f"services: {', '.join(sorted(services.fields)) or 'none'}")
    return services.fields[name]


def needed(root: Node, named: Iterable[str]) -> set[str]:
    """The named services and all that they depend on; every service when none is named."""
    services = root.find("services")
    fields = services.fields if services is not None else {}
    found: set[str] = set()
    waiting = list(named) or list(fields)
    while waiting:
        name = waiting.pop()
        if name in fields and name not in found:
            found.add(name)
            waiting += fields[name].get("depends_on") or ()
    return found


def only(root: Node, named: Iterable[str]) -> Node:
    """The named services and all that they depend on, without the others."""
    kept = needed(root, named)
    services = root.fields["services"]
    return root.with_fields(services=services.with_value({name: entry for name, entry in services.fields.items() if name in kept}))


def without_unused(root: Node) -> Node:
    """Networks, volumes, secrets, configs and models that an active service uses; the others are not made."""
    used = _used(root)
    for kind, names in used.items():
        resources = root.find(kind)
        if resources is not None:
            kept = {key: entry for key, entry in resources.fields.items() if key in names}
            root = root.with_fields(**{kind: resources.with_value(kept) if kept else None})
    return root


def _used(root: Node) -> dict[str, set[str]]:
    used: dict[str, set[str]] = {kind: set() for kind in ("networks", "volumes", "secrets", "configs", "models")}
    services = root.find("services")
    for service in services.fields.values() if services is not None else ():
        used["networks"].update(service.get("networks") or ())
        used["models"].update(service.get("models") or ())
        used["volumes"].update(mount.get("source") for mount in service.get("volumes") or () if mount.get("type") == "volume")
        for kind in ("secrets", "configs"):
            used[kind].update(grant.get("source") for grant in service.get(kind) or ())
        used["secrets"].update(grant.get("source") for grant in service.get("build", "secrets") or ())
    return used
