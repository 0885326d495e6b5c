"""A containers/storage, worked on with skopeo and buildah; each runs in a mount namespace of its own, so that no mount stays behind."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from composer.errors import ImageError
from composer.process import stream
from composer.store import Places


def quietly(argv: list[str]) -> None:
    """Run a tool; its last lines are shown if it fails."""
    stream(argv, lambda _line: None, error=ImageError, unshare_mounts=True)


@dataclass(frozen=True, slots=True)
class Store:
    places: Places

    def reference(self, name: str) -> str:
        return f"containers-storage:[overlay@{self.places.images}+{self.places.image_runroot}]{name}"

    def names(self) -> set[str]:
        """The full names of the images that are here."""
        try:
            images = json.loads((self.places.images / "overlay-images/images.json").read_bytes())
        except FileNotFoundError:
            return set()
        return {name for image in images for name in image.get("names", ())}

    def copy(self, source: str, name: str) -> None:
        """Get an image; `source` is a name with a transport, as containers-transports(5) has it."""
        quietly(["skopeo", "copy", "--quiet", source, self.reference(name)])

    def build(self, folder: Path, name: str) -> None:
        """Build the Dockerfile in `folder`, with the host's network; its base image has to be here."""
        where = ["--root", str(self.places.images), "--runroot", str(self.places.image_runroot), "--storage-driver", "overlay"]
        how = ["--format", "docker", "--isolation", "chroot", "--pull-never"]
        quietly(["buildah", *where, "bud", *how, "--tag", name, str(folder)])
