"""`composer resume`: after the machine went down, start again what its restart policy says. What runs already, and what ended in this boot
of the kernel, is left alone."""

from __future__ import annotations

from pydantic import ValidationError

from composer.commands.session import Session
from composer.engine.records import read_containers
from composer.errors import ComposerError
from composer.model.blueprint import Blueprint
from composer.observed import Container
from composer.procfs import boot_id
from composer.store import ProjectPlaces, read_json
from composer.supervisor.client import Client
from composer.supervisor.restart import comes_back, policy


def resume(session: Session, *, everything: bool) -> int:
    """The project of this folder, or with `everything` all of this machine. 1 when not all could be brought back; the others are."""
    found = [(_name(places), places) for places in session.places.projects()] if everything else [session.identity()]
    waiting = [(name, places, names) for name, places in found if (names := pending(places))]
    # All supervisors first, and side by side: they are forked, which wants a process without threads.
    clients = [(name, session.reach(places, name), names) for name, places, names in waiting]
    for _, client, names in clients:
        client.send("resume", {"names": names})
    return 1 if [name for name, client, _ in clients if not _came_back(session, name, client)] else 0


def pending(places: ProjectPlaces) -> list[str]:
    """Names of the project's containers that an earlier boot of the kernel has started, and that are to come back."""
    return [one.name for one in read_containers(places) if _is_due(places, one)]


def _is_due(places: ProjectPlaces, container: Container) -> bool:
    boot = container.process.boot_id if container.process else container.boot
    if container.oneoff or not container.started_at or boot == boot_id() or container.status in ("creating", "removing"):
        return False
    value = read_json(places.container(container.id).service)
    if value is None:
        return False
    try:
        service = Blueprint.model_validate(value).service
    except ValidationError:  # of another version of composer: who tries to start it says so
        return True
    rules = policy(service.restart, service.deploy.restart_policy)
    ran = container.status in ("running", "paused")
    return comes_back(rules, None if ran else container.exit_code, stopped=container.stop_asked)


def _name(places: ProjectPlaces) -> str:
    return str((read_json(places.project_file) or {}).get("name") or places.hash)


def _came_back(session: Session, name: str, client: Client) -> bool:
    try:
        client.result(session.audience.event)
    except ComposerError as error:
        session.audience.warn(f"project {name}: {error.message}")
        return False
    finally:
        client.close()
    return True
