"""ImageStore: `composer.host.Images` on containers/storage, buildah and skopeo."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from composer.errors import ImageError
from composer.host import NO_ACCESS, Access, Image, Progress
from composer.images import tools
from composer.images.build import NO_SECRETS, build_image
from composer.images.manifest import Remote
from composer.images.pull import Registry
from composer.images.reference import Reference, full_id, parse
from composer.images.scratch import scratch
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

    def age(self, reference: str) -> float | None:
        image = self.find(reference)
        if image is None:
            return None
        with suppress(FileNotFoundError):  # came without a pull
            return time.time() - self._pulled(parse(reference)).stat().st_mtime
        with _translated():
            return time.time() - (self._places.images / "overlay-images" / image.id).stat().st_mtime

    def pull(self, reference: str, progress: Progress, access: Access = NO_ACCESS) -> Image:
        """An image that composer's store lacks is also taken from a Docker engine on this machine, when the registry does not have it."""
        if full_id(reference):
            raise ImageError(f"image {reference} is not in composer's store", hint="an id cannot be pulled: use a name")
        name, registry = parse(reference), Registry(self._places, access)
        old = self.find(reference)
        with _translated():
            try:
                registry.pull(name, progress, lambda remote: old is not None and self._same(old, name, remote))
            except ImageError:
                if old is not None or not registry.take_from_engine(name, progress):
                    raise
            self._note_pull(name)
        return self._present(reference)

    def push(self, reference: str, progress: Progress, access: Access = NO_ACCESS) -> None:
        if self.find(reference) is None:
            raise ImageError(f"image {reference} is not in composer's store", hint="build it first: composer build")
        with _translated():
            Registry(self._places, access).push(parse(reference), progress)

    def build(
        self, build: Build, reference: str, progress: Progress, access: Access = NO_ACCESS, *, no_cache: bool = False, pull: bool = False,
        secrets: Mapping[str, Path] = NO_SECRETS,
    ) -> Image:
        with _translated():
            built = build_image(self._places, build, reference, progress, access, no_cache=no_cache, pull=pull, secrets=secrets)
        return self._present(built)

    def _same(self, old: Image, name: Reference, remote: Remote) -> bool:
        there = self.find(f"{name.repository}@{remote.digest}")
        return there is not None and there.id == old.id

    def _note_pull(self, name: Reference) -> None:
        """When a name was last pulled is the file's time; its content is for the curious."""
        file = self._pulled(name)
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o711)
        file.write_text(f"{name}\n")

    def _pulled(self, name: Reference) -> Path:
        return self._places.root / "pulled" / sha256(str(name).encode()).hexdigest()[:32]

    def remove(self, reference: str) -> None:
        image = self.find(reference)
        if image is None:
            return
        user = next(users(self._places, image.id), None)
        if user:
            raise ImageError(f"image {reference} cannot be removed: {user} uses it", hint="remove the container first: composer down")
        with _translated():
            try:
                with scratch(self._places) as aside:
                    tools.stream(tools.buildah(self._places, "rmi", _removable(image, reference)), lambda _: None, aside)
            except ImageError:
                if self.find(reference) is not None:  # else somebody removed the image by another of its names
                    raise

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
