"""`composer build --print`: the recipes of services as a file for `docker buildx bake`, which docker compose prints as well."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from composer.commands.build import BuildRequest, recipes
from composer.commands.session import Session
from composer.model.build import Build
from composer.model.mounts import FileSource
from composer.model.project import Project
from composer.model.service import Service


def bake(session: Session, request: BuildRequest) -> dict[str, Any]:
    """The file: a target for each service, and the group of all (Docker's "Bake file reference")."""
    return described(recipes(session, request), push=request.push)


def described(project: Project, *, push: bool = False) -> dict[str, Any]:
    """Of all services of the project that have a recipe."""
    secrets = {key: _source(one) for key, one in project.secrets.items()}
    output = "type=registry" if push else "type=docker"
    built = [(one, one.build) for one in project.services.values() if one.build]
    targets = {_target(one.name): {**_recipe(one, build, secrets), "output": [output]} for one, build in built}
    return {"group": {"default": {"targets": sorted(targets)}}, "target": targets}


def _target(service: str) -> str:
    """Names of targets have no dots."""
    return service.replace(".", "_")


def _recipe(service: Service, build: Build, secrets: Mapping[str, str]) -> dict[str, Any]:
    """What is not set is left out."""
    inline = build.dockerfile_inline
    values = {
        "context": build.context,
        "contexts": {name: _context(value) for name, value in build.additional_contexts.items()},
        "dockerfile": build.dockerfile if inline is None else None,
        "dockerfile-inline": inline,
        "args": {key: os.environ.get(key, "") if value is None else value for key, value in build.args.items()},
        "labels": dict(build.labels),
        "tags": [service.image, *build.tags],
        "target": build.target,
        "secret": [f"id={one.id},{secrets[one.source]}" for one in build.secrets],
        "ssh": list(build.ssh),
        "platforms": list(build.platforms),
        "no-cache": build.no_cache,
        "no-cache-filter": list(build.no_cache_filter),
        "pull": build.pull,
        "network": build.network,
        "shm-size": str(build.shm_size) if build.shm_size else None,
        "ulimits": [f"{name}={limit.soft}:{limit.hard}" for name, limit in build.ulimits.items()],
        "extra-hosts": _pairs(build.extra_hosts),
        "entitlements": ["security.insecure"] if build.privileged else [],
    }
    return {key: value for key, value in values.items() if value}


def _source(secret: FileSource) -> str:
    return f"type=file,src={secret.file}" if secret.file else f"type=env,env={secret.environment}"


def _context(value: str) -> str:
    return f"target:{_target(value.removeprefix('service:'))}" if value.startswith("service:") else value


def _pairs(entries: Iterable[str]) -> Mapping[str, str]:
    return dict(entry.partition("=")[::2] for entry in entries)
