"""What a request says about the caller's way to registries (supervisor/imaging.py: `access`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from composer.commands.session import Session
from composer.images.access import caller_access
from composer.plan.options import UpOptions

if TYPE_CHECKING:
    from composer.model.project import Project


def registry_access(session: Session, project: Project, options: UpOptions) -> dict[str, str]:
    """The fields of `composer.host.Access`; programs that know credentials are asked only about what may be pulled or pushed."""
    return asdict(caller_access(session.options.environ, lambda: _registries(session, project, options)))


def _registries(session: Session, project: Project, options: UpOptions) -> Iterator[str]:
    """Of the images that are not there, or looked for again. What a recipe builds on is most often on Docker Hub."""
    from composer.images.driver import ImageStore
    from composer.images.reference import DEFAULT_REGISTRY, parse

    store = ImageStore(session.places)
    for service in project.services.values():
        again = (options.pull or service.pull_policy) in ("always", "refresh", "build") or (options.build and service.build)
        if again or store.find(service.image) is None:
            yield parse(service.image).registry
            if service.build:
                yield DEFAULT_REGISTRY
