"""`composer down`: take away what `up` made. Volumes stay unless asked for."""

from __future__ import annotations

from dataclasses import asdict

from composer.commands.session import Session
from composer.errors import LoadError
from composer.plan.options import DownOptions


def down(session: Session, options: DownOptions) -> int:
    """Works from the records when the compose file is gone or broken by now, with `-p` naming the project."""
    session.mark("start, imports")
    name, places = session.identity()
    if not places.state.exists() and not places.run.exists():
        session.audience.warn(f"nothing to remove for project {name}")
        return 0
    known, images = _services(session, options)
    args = {"options": asdict(options), "project": name, "known": known, "images": images, "environ": dict(session.options.environ)}
    session.mark("load the compose files")
    if session.rehearse:
        session.call(places, name, "down", args)
        return 0
    client = session.reach(places, name)
    try:
        done = client.call("down", args, session.audience.event)
        client.until_gone(places)
    except KeyboardInterrupt:
        client.cancel()
        raise
    finally:
        client.close()
    session.told(done)
    return 0


def _services(session: Session, options: DownOptions) -> tuple[list[str], list[str]]:
    """The services that the file names, and the images to remove."""
    try:
        before, services, inactive = session.named(options.services)
    except LoadError:
        if session.options.files or not session.options.project_name:
            raise
        return [], []
    chosen = {key: declared.get("image") or before + key for key, declared in services.items()} if options.images else {}
    images = {image for key, image in chosen.items() if options.images == "all" or image == before + key}
    return [*services, *inactive], sorted(images)
