"""`composer config`: the compose files after every phase of loading, also with what composer cannot do at run time yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from composer.commands.session import Session


def config(session: Session, services: tuple[str, ...], *, form: str, listed: str, without: Mapping[str, bool]) -> str:
    """The text to print. `listed`: services, volumes, networks, profiles or images, a name a line; `without`: phases to leave out."""
    from composer.load import render, resolve

    resolved = resolve(
        replace(
            session.options,
            services=services,
            interpolate=not without["no_interpolate"],
            normalize=not without["no_normalize"],
            resolve_paths=not without["no_path_resolution"],
            resolve_env=not without["no_env_resolution"],
            consistency=not without["no_consistency"],
        )
    )
    for warning in resolved.warnings:
        session.audience.warn(warning)
    if listed:
        return "".join(f"{name}\n" for name in _names(resolved.tree, listed))
    return render.to_json(resolved.tree) if form == "json" else render.to_yaml(resolved.tree)


def _names(tree: dict[str, Any], listed: str) -> list[str]:
    services: dict[str, Any] = tree.get("services", {})
    if listed == "profiles":
        return sorted({profile for service in services.values() for profile in service.get("profiles", ())})
    if listed == "images":
        return sorted({service.get("image") or f"{tree['name']}-{name}" for name, service in services.items()})
    return sorted(tree.get(listed, {}))
