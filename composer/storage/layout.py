"""PURE: what is mounted where in a container, outer targets first.

A later kind replaces an earlier one at the same target: the files that composer writes, the image's VOLUMEs, anonymous
volumes, `volumes`, `tmpfs`, `configs`, `secrets`.
"""

from __future__ import annotations

from dataclasses import dataclass
from posixpath import normpath
from typing import Literal

from composer.errors import StorageError
from composer.host import RootfsRequest
from composer.model.mounts import Grant, Mount

GrantKind = Literal["secrets", "configs"]

NETWORK_FILES = ("hosts", "hostname", "resolv.conf")


@dataclass(frozen=True, slots=True)
class NetworkFile:
    """One of the files that composer writes for each container."""

    target: str
    name: str


@dataclass(frozen=True, slots=True)
class AnonymousVolume:
    target: str
    name: str
    read_only: bool = False
    nocopy: bool = False


@dataclass(frozen=True, slots=True)
class Tmpfs:
    """`options` as mount(8) takes them; they win over the defaults."""

    target: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GrantedFile:
    target: str
    kind: GrantKind
    grant: Grant


Entry = NetworkFile | AnonymousVolume | Tmpfs | GrantedFile | Mount


def clean(target: str) -> str:
    """One spelling a target: absolute, without a slash at the end, double ones, `.` and `..`."""
    return "/" + normpath(target).lstrip("/")


def entries(request: RootfsRequest) -> list[Entry]:
    """All mounts of a service beside those of the OCI bundle; each target once."""
    service = request.service
    found: list[Entry] = [NetworkFile(f"/etc/{name}", name) for name in NETWORK_FILES]
    found += _anonymous(request)
    found += [_declared(mount) for mount in service.volumes if not _is_anonymous(mount)]
    found += [_tmpfs(text) for text in service.tmpfs]
    found += [GrantedFile(grant.target, "configs", grant) for grant in service.configs]
    found += [GrantedFile(grant.target, "secrets", grant) for grant in service.secrets]
    by_target = {clean(entry.target): entry for entry in found}
    return [by_target[target] for target in sorted(by_target, key=lambda target: target.count("/") if target != "/" else 0)]


def _is_anonymous(mount: Mount) -> bool:
    return mount.type == "volume" and not mount.source


def _declared(mount: Mount) -> Entry:
    if mount.type != "tmpfs":
        return mount
    size = [f"size={mount.size}"] if mount.size is not None else []
    mode = [f"mode={mount.mode:o}"] if mount.mode is not None else []
    return Tmpfs(mount.target, (*size, *mode, *(["ro"] if mount.read_only else [])))


def _anonymous(request: RootfsRequest) -> list[Entry]:
    """Those of the image, and the `- /path` entries with their options; a name has been given to each one that is not replaced."""
    names = {clean(target): name for target, name in request.anonymous}
    declared = {clean(mount.target): mount for mount in request.service.volumes if _is_anonymous(mount)}
    taken = {clean(mount.target) for mount in request.service.volumes if not _is_anonymous(mount)}
    taken |= {clean(text.partition(":")[0]) for text in request.service.tmpfs}
    wanted = dict.fromkeys([*map(clean, request.image.config.volumes), *declared])
    nameless = [target for target in wanted if target not in taken and target not in names]
    if nameless:
        raise StorageError(f"services.{request.service.name}.volumes: the anonymous volume at {nameless[0]} has no name")
    return [
        AnonymousVolume(target, names[target], declared[target].read_only, declared[target].nocopy)
        if target in declared else AnonymousVolume(target, names[target])
        for target in names if target not in taken
    ]


def _tmpfs(text: str) -> Tmpfs:
    target, _, options = text.partition(":")
    return Tmpfs(target, tuple(option for option in options.split(",") if option))
