"""Secrets and configs: their contents, and the files that a container sees of them, on a tmpfs that only its mount namespace has."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from composer.errors import StorageError
from composer.host import RootfsRequest
from composer.model.mounts import FileSource, Grant
from composer.storage import kernel
from composer.storage.layout import GrantKind
from composer.store import ContainerPlaces, ProjectPlaces, check_private


def read(places: ProjectPlaces, kind: str, source: FileSource) -> bytes:
    """What it holds now; StorageError begins with the path in the compose file."""
    if source.content is not None:
        return source.content.encode()
    where = f"{kind}.{source.key}"
    if source.external or not (source.file or source.environment):
        raise StorageError(f"{where}: external {kind} are not supported", hint="give it a file or an environment variable")
    if not source.file:
        check_private(places.contents)
    path = Path(source.file) if source.file else places.contents / where
    try:
        return path.read_bytes()
    except FileNotFoundError as missing:
        raise _missing(where, source) from missing
    except OSError as refused:
        raise StorageError(f"{where}.file: {path}: {refused.strerror}") from refused


def check(kind: str, source: FileSource) -> None:
    """Whether a file is there; a variable's value is seen only when it is read."""
    where = f"{kind}.{source.key}"
    if source.external:
        raise StorageError(f"{where}: external {kind} are not supported", hint="give it a file or an environment variable")
    if source.file and not os.path.exists(source.file):
        raise _missing(where, source)
    if source.file and os.path.isdir(source.file):
        raise StorageError(f"{where}.file: {source.file} is a folder")


def digests(places: ProjectPlaces, sources: Mapping[str, FileSource]) -> dict[str, str]:
    """`KIND/KEY` -> sha256; what cannot be read is left out, and differs so from what it was."""
    found: dict[str, str] = {}
    for name, source in sources.items():
        with suppress(StorageError):
            found[name] = sha256(read(places, name.partition("/")[0], source)).hexdigest()
    return found


def _missing(where: str, source: FileSource) -> StorageError:
    if source.file:
        return StorageError(f"{where}.file: {source.file} does not exist")
    return StorageError(f"{where}.environment: the value of {source.environment} is not known",
                        hint=f"set {source.environment} and run up again")


class GrantFiles:
    """The files of one container. The tmpfs comes with the first of them."""

    def __init__(self, places: ContainerPlaces, request: RootfsRequest) -> None:
        self._places = places
        self._sources: Mapping[GrantKind, Mapping[str, FileSource]] = {"secrets": request.secrets, "configs": request.configs}
        self._folder = places.folder / "granted"
        self._count = 0

    def write(self, kind: GrantKind, grant: Grant) -> Path:
        """Write one with its owner and mode; returns the file to be bound."""
        content = read(self._places.project, kind, self._sources[kind][grant.source])
        if not self._count:
            self._folder.mkdir(exist_ok=True, mode=0o700)
            _mount_memory(self._folder)
        self._count += 1
        path = self._folder / str(self._count)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            os.fchown(descriptor, grant.uid, grant.gid)
            os.fchmod(descriptor, grant.mode)
        return path


def _mount_memory(folder: Path) -> None:
    """Never swapped to a disk where the kernel can promise it (Linux 6.4)."""
    flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    try:
        kernel.mount("tmpfs", folder, "tmpfs", flags, "mode=0700,noswap")
    except OSError as refused:
        if refused.errno != errno.EINVAL:
            raise
        kernel.mount("tmpfs", folder, "tmpfs", flags, "mode=0700")
