"""`composer images`: what the project's containers were made from."""

from __future__ import annotations

from dataclasses import dataclass

from composer.commands.find import present
from composer.commands.session import Session
from composer.host import Image
from composer.images.driver import ImageStore
from composer.observed import Container


@dataclass(frozen=True, slots=True)
class UsedImage:
    """`image` is None when it is not in the store any more."""

    container: Container
    image: Image | None


def images(session: Session, services: tuple[str, ...]) -> list[UsedImage]:
    """One entry a container, in order of the containers' names."""
    _, places = session.identity()
    store = ImageStore(session.places)
    found = sorted(present(places, services), key=lambda one: one.name)
    return [UsedImage(one, store.find(one.image_id)) for one in found if not one.oneoff]
