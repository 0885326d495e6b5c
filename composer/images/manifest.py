"""Which layers an image has in its registry: known before it is pulled, so that its size can be shown and that two pulls at
once, of any project, do not both bring a layer that their images share."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from composer import process
from composer.errors import ImageError
from composer.images import tools
from composer.images.reference import Reference
from composer.store import Places, locked

#: Machine names of the kernel (uname(2)) -> those of the OCI image specification (Go's).
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "armv6l": "arm", "i686": "386", "i386": "386"}


@dataclass(frozen=True, slots=True)
class Remote:
    """`digest` is that of the manifest that the name leads to; `layers` is empty for what is no plain image of this platform."""

    digest: str
    layers: Mapping[str, int] = field(default_factory=dict)  # digest -> bytes


def look_up(files: tools.Handed, reference: Reference) -> Remote:
    """Ask the registry; ImageError has skopeo's own words."""
    text = _raw(files, reference.pullable)
    digest, manifest = "sha256:" + sha256(text.encode()).hexdigest(), _parse(text, reference)
    instance = _of_this_platform(manifest.get("manifests") or ())
    if instance:
        manifest = _parse(_raw(files, f"{reference.repository}@{instance}"), reference)
    return Remote(digest, {layer["digest"]: layer.get("size", 0) for layer in manifest.get("layers") or ()})


@contextmanager
def layers_to_ourselves(places: Places, layers: Iterable[str]) -> Iterator[None]:
    """Wait until nobody else brings one of these layers. In one order for all, so that nobody waits for somebody who waits for him."""
    with ExitStack() as stack:
        for digest in sorted(set(layers)):
            stack.enter_context(locked(places.image_runroot / "pulls" / digest.replace(":", "-")))
        yield


def _raw(files: tools.Handed, name: str) -> str:
    argv = tools.skopeo(files, "inspect", "--raw", f"docker://{name}")
    done = process.run(argv, check=False, error=ImageError, env=files.env, pass_fds=files.fds)
    if done.code:
        raise ImageError(done.stderr)
    return done.stdout


def _parse(text: str, reference: Reference) -> dict[str, Any]:
    try:
        manifest = json.loads(text)
    except ValueError:
        manifest = None
    if not isinstance(manifest, dict):
        raise ImageError(f"the registry's manifest of {reference} is not readable")
    return manifest


def _of_this_platform(entries: Iterable[Mapping[str, Any]]) -> str:
    """An index's manifest for this machine, "" for none."""
    machine = platform.machine()
    wanted = ("linux", _ARCHITECTURES.get(machine, machine))
    for entry in entries:
        where = entry.get("platform") or {}
        if (where.get("os"), where.get("architecture")) == wanted:
            return str(entry["digest"])
    return ""
