"""`composer cp` and `composer export`: files of containers from outside; the image needs neither tar nor cp."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TypeVar

from composer.commands.caller import caller
from composer.commands.find import chosen
from composer.commands.ps import containers
from composer.commands.session import Session
from composer.errors import ComposerError, ContainerError, ImageError
from composer.observed import Container
from composer.storage.copying import Spot, copy, from_archive, to_archive
from composer.storage.copying import export as write_tar
from composer.supervisor.client import Client, outcome
from composer.supervisor.protocol import HELD

T = TypeVar("T")

HOST = Path("/")
#: Who owns what is copied into a container, unless its owner goes with it: as docker cp has it.
ROOT = (0, 0)


@dataclass(frozen=True, slots=True)
class CopyRequest:
    """One side is in the containers of `service`, at `inside`; the other at `outside`, a path or `-` for a tar stream."""

    service: str
    inside: str
    outside: str
    into: bool
    archive: bool = False
    follow: bool = False
    index: int = 0
    oneoffs: bool = False


def cp(session: Session, request: CopyRequest, streams: tuple[IO[bytes], IO[bytes]]) -> int:
    """Into all containers of the service unless one is chosen; out of one. `streams`: what `-` means, to read and to write."""
    found = chosen(session, request.service, request.index, oneoffs=request.oneoffs)
    if not request.into or request.outside == "-":
        found = found[:1]
    for container in found:
        skipped = in_root(session, container, partial(_transfer, session, request, streams))
        for name in skipped:
            session.audience.warn(f"{container.name}: {name} is neither file, folder nor link: left out")
    return 0


def export(session: Session, service: str, index: int, archive: IO[bytes]) -> int:
    """The container's file system as a tar stream, without its volumes (as docker export)."""
    (container, *_) = chosen(session, service, index)
    in_root(session, container, lambda root: write_tar(root, archive))
    return 0


def _transfer(session: Session, request: CopyRequest, streams: tuple[IO[bytes], IO[bytes]], root: Path) -> list[str]:
    inside, outside = Spot(root, _absolute(request.inside, "/")), Spot(HOST, _absolute(request.outside, session.options.cwd))
    if request.into:
        owner = None if request.archive else ROOT
        if request.outside == "-":
            return from_archive(streams[0], inside, owner=owner)
        return copy(outside, inside, follow=request.follow, owner=owner)
    if request.outside == "-":
        return to_archive(inside, streams[1], follow=request.follow)
    return copy(inside, outside, follow=request.follow, owner=None if request.archive else caller(session.options.environ))


def _absolute(path: str, folder: str) -> str:
    """With the ending that says what is meant."""
    ending = "/." if path == "." or path.endswith("/.") else "/" if path.endswith("/") else ""
    return os.path.join(folder, path.rstrip("/").removesuffix("/.").rstrip("/") or "/").rstrip("/") + ending or "/"


def in_root(session: Session, container: Container, work: Callable[[Path], T]) -> T:
    """`work` with the container's root folder; one that does not run is mounted for that time."""
    from composer.images.driver import ImageStore
    from composer.runtime.launcher import in_own_mounts
    from composer.runtime.signals import alive
    from composer.storage.inside import running_root, visit

    if os.geteuid():
        raise ComposerError("the files of containers belong to root", hint="run the command with sudo")
    if container.process and alive(container.process):
        return work(running_root(container.process.pid))
    image = ImageStore(session.places).find(container.image_id)
    if image is None:
        raise ImageError(f"container {container.name}: its image {container.image} is not in the store any more")
    name, places = session.identity()
    with held(session.reach(places, name), container.name):
        now = next((one for one in containers(places) if one.id == container.id), None)
        if now is None or now.process:
            raise ContainerError(f"container {container.name} was started or removed meanwhile", hint="run the command again")
        return in_own_mounts(lambda: visit(places.container(container.id), image, work))


@contextmanager
def held(client: Client, name: str) -> Iterator[None]:
    """Nobody starts or removes the container for as long as the block runs: its upper folder must not be mounted twice."""
    try:
        client.send("hold", {"name": name})
        held = False
        while not held:
            for message in client.receive():
                event = message.get("event") or {}
                if "error" in message:
                    outcome(message)
                held = held or (event.get("subject"), event.get("action")) == (f"container/{name}", HELD)
        yield
    finally:
        client.close()
