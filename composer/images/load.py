"""Images into the store without a registry, for the makers of base images:

    python -m composer.images.load rootfs.tar docker.io/library/debian:bookworm-slim 'CMD ["bash"]' 'ENV LANG=C.UTF-8'
    python -m composer.images.load docker-archive:saved.tar me/app:1
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from composer.errors import ComposerError, ImageError
from composer.host import Image, Progress
from composer.images import tools
from composer.images.driver import ImageStore
from composer.images.reference import parse
from composer.images.scratch import scratch
from composer.model.build import Build
from composer.store import Places


def import_rootfs(places: Places, tar: Path, reference: str, instructions: Sequence[str] = (), *, progress: Progress = print) -> Image:
    """An image of one layer from a tar file of a root file system (owners, modes, links kept; gzip, bzip2, xz understood).

    `instructions` are lines of a Dockerfile that come after it. The same tar file and instructions again come from the cache.
    """
    if not tar.is_file():
        raise ImageError(f"{tar}: no such file")
    inline = "\n".join(["FROM scratch", f'ADD ["{tar.name}", "/"]', *instructions, ""])
    return ImageStore(places).build(Build(context=str(tar.resolve().parent), dockerfile_inline=inline), reference, progress)


def import_archive(places: Places, source: str, reference: str, *, progress: Progress = print) -> Image:
    """An image from what skopeo reads: `docker-archive:FILE` (docker save), `oci-archive:FILE`, `oci:FOLDER`, `dir:FOLDER`."""
    tools.require("skopeo")
    name = str(parse(reference))
    with scratch(places) as aside:
        tools.stream(["skopeo", "copy", source, tools.skopeo_target(places, name)], progress, aside)
    image = ImageStore(places).find(name)
    if image is None:
        raise ImageError(f"{source} was copied, but image {name} is not in the store")
    return image


def main(arguments: Sequence[str]) -> int:
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    source, reference, *instructions = arguments
    try:
        if source.startswith(("docker-archive:", "oci-archive:", "oci:", "dir:")):
            image = import_archive(Places.default(), source, reference)
        else:
            image = import_rootfs(Places.default(), Path(source), reference, instructions)
    except ComposerError as error:
        print("\n".join(error.lines()), file=sys.stderr)
        return error.exit_code
    print(f"{image.names[0] if image.names else reference} {image.id[:12]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
