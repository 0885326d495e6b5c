"""LocalStorage: `composer.host.Storage` on folders, overlayfs and tmpfs."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from composer.errors import StorageError
from composer.host import Image, Mirror, Rootfs, RootfsRequest
from composer.model.mounts import FileSource, Mount, Volume
from composer.observed import Process, VolumeState
from composer.storage import grants, kernel, netfiles, users, volumes
from composer.storage.inside import running_root, visit
from composer.storage.layout import entries
from composer.storage.mounts import Mounts, missing_source
from composer.storage.rootfs import mount_rootfs
from composer.storage.sync import mirrored_roots, sync, tidy
from composer.store import ProjectPlaces, remove_tree

#: Also: a part of the path is a file, the links go in circles, the process has ended.
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ESRCH)
_FULL = (errno.ENOSPC, errno.EDQUOT)


class LocalStorage:
    """Storage of one project; holds no state but its places, and may be used from any thread."""

    def __init__(self, places: ProjectPlaces) -> None:
        self._places = places

    def volumes(self) -> Mapping[str, VolumeState]:
        with _translated("volumes"):
            return volumes.list_volumes(self._places)

    def create_volume(self, volume: VolumeState, definition: Volume | None = None) -> None:
        with _translated(f"volume {volume.name}"):
            volumes.create(self._places, volume, definition)

    def remove_volume(self, name: str) -> None:
        with _translated(f"volume {name}"):
            volumes.remove(self._places, name)

    def check(self, request: RootfsRequest) -> None:
        service = request.service
        for mount in service.volumes:
            self._check_mount(request, mount)
        for grant in service.secrets:
            grants.check("secrets", request.secrets[grant.source])
        for grant in service.configs:
            grants.check("configs", request.configs[grant.source])

    def _check_mount(self, request: RootfsRequest, mount: Mount) -> None:
        if mount.type == "volume" and mount.source:
            self._check_volume(request.volumes[mount.source])
        if mount.type != "bind":
            return
        if mount.propagation in ("shared", "rshared"):
            raise StorageError(f"services.{request.service.name}.volumes: {mount.target}: propagation {mount.propagation} is not supported",
                               hint="rslave shows the host's later mounts in the container")
        if not (mount.create_host_path or Path(mount.source).exists()):
            raise missing_source(request, mount)

    def _check_volume(self, volume: Volume) -> None:
        bound = volumes.source(self._places, volume)
        if isinstance(bound, Path) and not bound.is_dir():
            raise StorageError(f"volumes.{volume.key}.driver_opts.device: {bound} is no folder")

    def digests(self, sources: Mapping[str, FileSource]) -> Mapping[str, str]:
        return grants.digests(self._places, sources)

    def prepare(self, request: RootfsRequest) -> Rootfs:
        places = self._places.container(request.id)
        layout = entries(request)
        with _translated(f"container {request.id[:12]}"):
            rootfs = mount_rootfs(places, request.image)
            user = users.look_up(rootfs, request.service.user or request.image.config.user, subject=f"services.{request.service.name}.user")
            further = users.groups(rootfs, request.service.group_add, subject=f"services.{request.service.name}.group_add")
            if request.network_files is None:
                netfiles.write(places, request)
            mounted = Mounts(places, request).lay_out(layout)
        return Rootfs(rootfs, mounted, user.uid, user.gid, tuple(dict.fromkeys((*user.groups, *further))), user.home)

    def open_inside(self, process: Process, path: str) -> int | None:
        try:
            with kernel.opened_in_root(running_root(process.pid), path, os.O_PATH) as descriptor:
                return os.dup(descriptor)
        except OSError as refused:
            if refused.errno in _NOT_THERE:
                return None
            raise StorageError(f"{path}: {refused.strerror}") from refused

    def sync(
        self, id_: str, mirrors: Sequence[Mirror], *, process: Process | None, holder: Process | None, image: Image | None, differing: bool
    ) -> tuple[str, ...]:
        places = self._places.container(id_)
        with _translated(f"container {id_[:12]}"):
            if process is not None:
                return sync(places, mirrored_roots(places, process, holder), mirrors, differing=differing)
            if image is None:
                raise StorageError(f"container {id_[:12]}: its image is not in the store any more")
            return visit(places, image, lambda root: sync(places, (root,), mirrors, differing=differing))

    def tidy(self, id_: str, process: Process, holder: Process | None) -> None:
        places = self._places.container(id_)
        with _translated(f"container {id_[:12]}"):
            tidy(places, mirrored_roots(places, process, holder))

    def remove_container(self, id_: str) -> None:
        container = self._places.container(id_)
        with _translated(f"container {id_[:12]}"):
            # The record goes last: whoever is killed on the way leaves something that says what is left.
            for part in container.folder.iterdir() if container.folder.is_dir() else ():
                if part.is_dir() and not part.is_symlink():
                    remove_tree(part)
            remove_tree(container.folder)


@contextmanager
def _translated(subject: str) -> Iterator[None]:
    """The kernel's refusals in words, with what they are about."""
    try:
        yield
    except OSError as refused:
        where = f"{refused.filename}: " if refused.filename else ""
        hint = "free some space, or let COMPOSER_ROOT be elsewhere" if refused.errno in _FULL else ""
        raise StorageError(f"{subject}: {where}{refused.strerror or refused}", hint=hint) from refused
