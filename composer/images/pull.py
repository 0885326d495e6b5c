"""`image:` from a registry and to one, through skopeo."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from composer import process
from composer.errors import ImageError
from composer.host import NO_ACCESS, Access, Progress
from composer.images import tools
from composer.images.manifest import Remote, layers_to_ourselves, look_up
from composer.images.reference import Reference
from composer.images.scratch import scratch
from composer.images.tally import Tally
from composer.store import Places

_MESSAGE = re.compile(r'msg="(.*)"$')
#: Words in front that say nothing.
_PREFIX = re.compile(r'^(?:Error parsing image name|initializing source|trying to reuse blob) "?[^ ]*?"?(?: at destination)?: ')
#: Seconds between two words of progress.
_PAUSE = 0.2
#: What the registry's answer (skopeo's words) means for the user; the first that fits.
_MEANINGS = (
    ("unauthorized|denied|authentication required|no basic auth|401|403", "log in as the user who runs composer: skopeo login {registry}"),
    ("manifest unknown|name unknown|not found|404", "check the name and the tag; a local image is built, or imported with"
     " `python -m composer.images.load`"),
    ("server gave HTTP response to HTTPS client", "the registry speaks plain HTTP: set insecure = true for {registry} in registries.conf"),
    ("certificate|x509", "put the registry's certificate into /etc/containers/certs.d/{registry}/"),
    ("connection refused|no such host|no route|unreachable|timeout|misbehaving|lookup", "can {registry} be reached from here? "
     "an image that is in no registry is built, or imported with `python -m composer.images.load`"),
)


@dataclass(frozen=True, slots=True)
class Registry:
    """One caller's way to registries."""

    places: Places
    access: Access = NO_ACCESS

    def pull(self, reference: Reference, progress: Progress, has: Callable[[Remote], bool]) -> None:
        """Copy an image into the store under its own name, unless the store `has` what the registry's name leads to."""
        with tools.handed(self.access, [reference.registry]) as files:
            try:
                remote = look_up(files, reference)
                if has(remote):
                    return
                with layers_to_ourselves(self.places, remote.layers):
                    words = [f"docker://{reference.pullable}", tools.skopeo_target(self.places, reference.pullable)]
                    _copy(self.places, files, words, progress, remote.layers)
            except ImageError as failed:
                raise explain(f"image {reference} cannot be pulled", reference.registry, failed) from failed

    def push(self, reference: Reference, progress: Progress) -> None:
        """Copy an image of the store to the registry of its name."""
        with tools.handed(self.access, [reference.registry]) as files:
            words = [tools.skopeo_target(self.places, str(reference)), f"docker://{reference}"]
            try:
                _copy(self.places, files, words, progress, {})
            except ImageError as failed:
                raise explain(f"image {reference} cannot be pushed", reference.registry, failed) from failed

    def take_from_engine(self, reference: Reference, progress: Progress) -> bool:
        """From the store of a Docker engine on this machine; False when there is none, or it has no such image."""
        if not self.access.engine or reference.digest:
            return False
        with tools.handed(NO_ACCESS) as files:
            source = ["--src-daemon-host", f"unix://{self.access.engine}", f"docker-daemon:{reference}"]
            words = [*source, tools.skopeo_target(self.places, str(reference))]
            try:
                _copy(self.places, files, words, progress, {})
            except ImageError:
                return False  # what the registry said is the better message
        return True


def _copy(places: Places, files: tools.Handed, words: Sequence[str], progress: Progress, sizes: Mapping[str, int]) -> None:
    """`progress` gets the bytes so far, a few times a second; what it raises ends the copy. ImageError has what skopeo says."""
    tally, told = Tally(sizes), 0.0

    def on_text(text: str) -> None:
        nonlocal told
        tally.feed(text)
        if time.monotonic() - told >= _PAUSE:
            told = time.monotonic()
            progress(str(tally))

    places.images.mkdir(parents=True, exist_ok=True, mode=0o711)
    with scratch(places) as aside:
        env, fds = {**files.env, **aside.env}, (*files.fds, aside.lock)
        done = process.watch(tools.skopeo(files, "copy", *words), on_text, error=ImageError, env=env, pass_fds=fds)
    if done.code:
        raise ImageError(done.stderr)


def explain(what: str, registry: str, failed: ImageError) -> ImageError:
    """skopeo's last words -> one line, and what can be done about it."""
    if failed.hint:
        return failed  # it never came to a registry
    why = reason(failed.message.splitlines())
    meaning = next((hint for pattern, hint in _MEANINGS if re.search(pattern, why, re.IGNORECASE)), "")
    return ImageError(f"{what}: {why}", hint=meaning.format(registry=registry))


def reason(lines: Sequence[str]) -> str:
    """skopeo logs `time=... level=fatal msg="..."`: the message alone."""
    last = next((line for line in reversed(lines) if line.strip()), "no message")
    match = _MESSAGE.search(last)
    return _PREFIX.sub("", match[1].replace('\\"', '"')) if match else last
