"""`image:` from a registry, through skopeo."""

from __future__ import annotations

import re
from collections.abc import Sequence

from composer.errors import ImageError
from composer.host import Progress
from composer.images import tools
from composer.images.reference import Reference
from composer.store import Places

_MESSAGE = re.compile(r'msg="(.*)"$')


def pull_image(places: Places, reference: Reference, progress: Progress) -> None:
    """Copy an image into the store under its own name; ImageError gives the registry's reason in one line."""
    tools.require("skopeo")
    lines: list[str] = []

    def on_line(line: str) -> None:
        lines.append(line)
        progress(line)

    name = reference.pullable
    try:
        tools.stream(["skopeo", "copy", f"docker://{name}", tools.skopeo_target(places, name)], on_line, places=places)
    except ImageError as failed:
        raise ImageError(f"image {reference} is not in composer's store and cannot be pulled: {reason(lines)}",
                         hint="build it, import it with `python -m composer.images.load`, or check its name and the network") from failed


def reason(lines: Sequence[str]) -> str:
    """skopeo logs `time=... level=fatal msg="..."`: the message alone."""
    last = next((line for line in reversed(lines) if line.strip()), "no message")
    match = _MESSAGE.search(last)
    return match[1].replace('\\"', '"') if match else last
