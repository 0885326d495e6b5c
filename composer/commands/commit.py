"""`composer commit`: a container with its files and settings as an image of composer's store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from composer.commands.cp import held
from composer.commands.find import chosen
from composer.commands.session import Session
from composer.errors import AbsentError, ImageError
from composer.images.commit import Wishes, check, settings
from composer.images.commit import commit as make
from composer.images.driver import ImageStore
from composer.model.blueprint import Blueprint
from composer.observed import Container
from composer.store import read_json


@dataclass(frozen=True, slots=True)
class CommitRequest:
    """`pause`: its processes rest while its files are read."""

    service: str
    wishes: Wishes = field(default_factory=Wishes)
    index: int = 0
    pause: bool = True


def commit(session: Session, request: CommitRequest) -> str:
    """The image's id. Volumes and other mounts are left out, as with docker commit."""
    check(request.wishes)
    (container, *_) = chosen(session, request.service, request.index)
    image = ImageStore(session.places).find(container.image_id)
    if image is None:
        raise ImageError(f"container {container.name}: its image {container.image} is not in the store any more")
    places = session.identity()[1].container(container.id)
    with _at_rest(session, container, pause=request.pause):
        stored = read_json(places.service)
        if stored is None or not places.upper.is_dir():
            raise AbsentError(f"container {container.name} has never been started", hint=f"composer up -d {request.service}")
        own = settings(Blueprint.model_validate(stored).service, image, container.labels)
        return make(session.places, image, places.upper, own, request.wishes)


@contextmanager
def _at_rest(session: Session, container: Container, *, pause: bool) -> Iterator[None]:
    """One that does not run is not started or removed meanwhile."""
    name, places = session.identity()
    if container.status == "running" and pause:
        session.call(places, name, "pause", {"services": [container.service], "names": [container.name]})
        try:
            yield
        finally:
            session.call(places, name, "unpause", {"services": [container.service], "names": [container.name]})
    elif container.status in ("running", "paused"):
        yield
    else:
        with held(session.reach(places, name), container.name):
            yield
