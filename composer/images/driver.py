"""ImageStore: `composer.host.Images` on containers/storage, buildah and skopeo."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from composer.errors import ImageError
from composer.host import Image, Progress
from composer.images import tools
from composer.images.build import build_image
from composer.images.pull import pull_image
from composer.images.reference import full_id, parse
from composer.images.store import Store
from composer.images.usage import users
from composer.model.build import Build
from composer.store import Places


class ImageStore:
    """One store for all projects; reading it starts no program, writing it locks by buildah's and skopeo's own means."""

    def __init__(self, top: Places) -> None:
        self._places = top
        self._store = Store(top.images)

    def find(self, reference: str) -> Image | None:
        with _translated():
            return self._store.find(reference)

    def pull(self, reference: str, progress: Progress) -> Image:
        if full_id(reference):
            raise ImageError(f"image {reference} is not in composer's store", hint="an id cannot be pulled: use a name")
        with _translated():
            pull_image(self._places, parse(reference), progress)
        return self._present(reference)

    def build(self, build: Build, reference: str, progress: Progress, *, no_cache: bool = False, pull: bool = False) -> Image:
        with _translated():
            built = build_image(self._places, build, reference, progress, no_cache=no_cache, pull=pull)
        return self._present(built)

    def remove(self, reference: str) -> None:
        image = self.find(reference)
        if image is None:
            return
        user = next(users(self._places, image.id), None)
        if user:
            raise ImageError(f"image {reference} cannot be removed: {user} uses it", hint="remove the container first: composer down")
        with _translated():
            tools.stream(tools.buildah(self._places, "rmi", _removable(image, reference)), lambda _: None, places=self._places)

    def _present(self, reference: str) -> Image:
        image = self.find(reference)
        if image is None:
            raise ImageError(f"image {reference} is not in composer's store although it was just made", hint="is the disk full?")
        return image


@contextmanager
def _translated() -> Iterator[None]:
    """The kernel's and the JSON reader's refusals in words."""
    try:
        yield
    except PermissionError as refused:
        raise ImageError(f"{refused.filename}: {refused.strerror}", hint="the image store belongs to root") from refused
    except OSError as refused:
        raise ImageError(f"{refused.filename or 'image store'}: {refused.strerror or refused}") from refused
    except ValueError as broken:
        raise ImageError(f"the image store is damaged: {broken}", hint="pull or build the image again") from broken


def _removable(image: Image, reference: str) -> str:
    """The name that is meant, so that other names of the same image stay; else the id."""
    name = "" if full_id(reference) else str(parse(reference))
    return name if name in image.names else image.id
