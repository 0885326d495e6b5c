"""`composer pull` and `composer push`: images between the store and their registries, through the project's supervisor."""

from __future__ import annotations

from dataclasses import asdict

from composer.commands.access import registry_access
from composer.commands.session import Session
from composer.errors import UsageError
from composer.plan.options import PullOptions, PushOptions, UpOptions


def pull(session: Session, options: PullOptions) -> int:
    """The images of the services named, or of all."""
    return _ask(session, "pull", options)


def push(session: Session, options: PushOptions) -> int:
    """The images that the project builds and the file names."""
    return _ask(session, "push", options)


def _ask(session: Session, verb: str, options: PullOptions | PushOptions) -> int:
    project = session.load(options.services).project
    unknown = [name for name in options.services if name not in project.services]
    if unknown:
        raise UsageError(f"no such service: {', '.join(unknown)}")
    args = {
        "project": project.model_dump(mode="json"),
        "options": asdict(options),
        "access": registry_access(session, project, UpOptions(pull="always")),
    }
    session.call(session.places.project(project.hash), project.name, verb, args)
    return 0
