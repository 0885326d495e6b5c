"""The entries of the layout -> mounts of config.json; what the OCI runtime cannot do is mounted here, in the container's namespace."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import assert_never

from composer.errors import StorageError
from composer.host import OciMount, RootfsRequest
from composer.model.mounts import Mount, Volume
from composer.storage import kernel, volumes
from composer.storage.fill import fill
from composer.storage.grants import GrantFiles
from composer.storage.layout import AnonymousVolume, Entry, GrantedFile, NetworkFile, Tmpfs, clean
from composer.storage.local import FileSystem
from composer.storage.rootfs import mount_image
from composer.store import ContainerPlaces

#: Docker's for every tmpfs; `exec`, `suid` or `dev` in the options take one away.
_TMPFS = ("noexec", "nosuid", "nodev")


class Mounts:
    """Lays out one container: `rootfs` is mounted already, in the calling thread's mount namespace."""

    def __init__(self, places: ContainerPlaces, request: RootfsRequest) -> None:
        self._places = places
        self._request = request
        self._grants = GrantFiles(places, request)
        self._pins = 0
        self._images = 0

    def lay_out(self, entries: Sequence[Entry]) -> tuple[OciMount, ...]:
        """In the given order; destinations as the kernel would spell them."""
        mounts = (self._mount(entry) for entry in entries)
        return tuple(replace(mount, destination=clean(mount.destination)) for mount in mounts)

    def _mount(self, entry: Entry) -> OciMount:
        match entry:
            case NetworkFile():
                return bind(entry.target, (self._request.network_files or self._places.files) / entry.name)
            case AnonymousVolume():
                folder = volumes.anonymous(self._places.project, entry.name)
                if not entry.nocopy:
                    fill(folder, self._places.rootfs, entry.target)
                return bind(entry.target, volumes.data(folder), read_only=entry.read_only)
            case Tmpfs():
                return tmpfs(entry, self._places.rootfs)
            case GrantedFile():
                source = self._grants.write(entry.kind, entry.grant)
                return OciMount(entry.target, "bind", str(source), ("bind", "rprivate", "ro", "nosuid", "nodev", "noexec"))
            case Mount():
                return self._declared(entry)
            case _:
                assert_never(entry)

    def _declared(self, mount: Mount) -> OciMount:
        if mount.type == "bind":
            _make_source(self._request, mount)
            return bind(mount.target, Path(mount.source), read_only=mount.read_only,
                        propagation=mount.propagation, recursive=mount.recursive)
        if mount.type == "image":
            return bind(mount.target, self._image(mount), read_only=mount.read_only)
        return self._with_flags(bind(mount.target, self._volume(mount), read_only=mount.read_only), mount)

    def _with_flags(self, bound: OciMount, mount: Mount) -> OciMount:
        """A bind of a file system that forbids something forbids it as well: the OCI runtime sets all flags anew."""
        source = volumes.source(self._places.project, self._request.volumes[mount.source])
        return replace(bound, options=(*bound.options, *source.restrictions)) if isinstance(source, FileSystem) else bound

    def _volume(self, mount: Mount) -> Path:
        volume = self._request.volumes[mount.source]
        bound = volumes.source(self._places.project, volume)
        if isinstance(bound, FileSystem):
            bound = self._file_system(volume, bound)
        if bound is None:
            folder = volumes.locate(self._places.project, volume)
            if not (mount.nocopy or mount.subpath):
                fill(folder, self._places.rootfs, mount.target)
            bound = volumes.data(folder)
        return self._subpath(bound, mount) if mount.subpath else bound

    def _file_system(self, volume: Volume, wanted: FileSystem) -> Path:
        """Mounted in the container's own namespace, so that it ends with it."""
        pin = self._pin(is_folder=True)
        try:
            wanted.mount(pin)
        except OSError as refused:
            raise StorageError(f"volumes.{volume.key}.driver_opts: mount -t {wanted.kind} {wanted.device}: {refused.strerror}",
                               hint="type, device and o are what mount(8) takes") from refused
        return pin

    def _image(self, mount: Mount) -> Path:
        """Another image's files; what the container writes there is its own."""
        self._images += 1
        root = mount_image(self._request.mounted[mount.source], self._places.folder / "images" / str(self._images))
        return self._subpath(root, mount) if mount.subpath else root

    def _subpath(self, top: Path, mount: Mount) -> Path:
        """Pinned by a bind mount of our own: by its path, a container that writes to the volume could swap a link in later."""
        try:
            with kernel.opened_in_root(top, mount.subpath, os.O_PATH) as descriptor:
                pin = self._pin(is_folder=stat.S_ISDIR(os.fstat(descriptor).st_mode))
                kernel.mount(f"/proc/self/fd/{descriptor}", pin, "", kernel.MS_BIND | kernel.MS_REC)
        except FileNotFoundError as missing:
            raise StorageError(f"services.{self._request.service.name}.volumes: {mount.type} {mount.source} has no {mount.subpath}",
                               hint="a subpath has to be there before the container is created") from missing
        return pin

    def _pin(self, *, is_folder: bool) -> Path:
        folder = self._places.folder / "subpaths"
        folder.mkdir(exist_ok=True, mode=0o700)
        self._pins += 1
        pin = folder / f"{'folder' if is_folder else 'file'}{self._pins}"
        if is_folder:
            pin.mkdir(exist_ok=True)
        else:
            pin.touch()
        return pin


def bind(target: str, source: Path, *, read_only: bool = False, propagation: str = "rprivate", recursive: str = "enabled") -> OciMount:
    """A bind mount. Read-only goes for what is mounted below it too, unless `recursive` is `writable` or `disabled`."""
    kind = "bind" if recursive == "disabled" else "rbind"
    # Nothing is mounted below a file, and crun 1.8 opens what is to be "rro" as a folder.
    whole = ["rro"] if read_only and recursive in ("enabled", "readonly") and source.is_dir() else []
    return OciMount(target, "bind", str(source), (kind, propagation, "ro" if read_only else "rw", *whole))


def tmpfs(entry: Tmpfs, rootfs: Path) -> OciMount:
    """Docker's defaults below the entry's own options; without a mode it has that of the image's folder, as with runc."""
    said = {option.partition("=")[0] for option in entry.options}
    defaults = [word for word in _TMPFS if not said & {word, word.removeprefix("no")}]
    mode = [] if "mode" in said else _mode_of(rootfs, entry.target)
    return OciMount(entry.target, "tmpfs", "tmpfs", (*defaults, *mode, *entry.options))


def _mode_of(rootfs: Path, target: str) -> list[str]:
    with suppress(OSError), kernel.opened_in_root(rootfs, target, os.O_PATH | os.O_DIRECTORY) as folder:
        return [f"mode={os.fstat(folder).st_mode & 0o7777:o}"]
    return []


def _make_source(request: RootfsRequest, mount: Mount) -> None:
    if os.path.lexists(mount.source):
        return
    if not mount.create_host_path:
        raise missing_source(request, mount)
    new = [folder for folder in (Path(mount.source), *Path(mount.source).parents) if not folder.exists()]
    try:
        os.makedirs(mount.source, mode=0o755, exist_ok=True)
        for folder in reversed(new):  # in a user's own folder it is the user's, who called us by sudo
            owner = folder.parent.stat()
            os.chown(folder, owner.st_uid, owner.st_gid, follow_symlinks=False)
    except OSError as refused:
        raise StorageError(f"services.{request.service.name}.volumes: {mount.source} cannot be made: {refused.strerror}") from refused


def missing_source(request: RootfsRequest, mount: Mount) -> StorageError:
    return StorageError(f"services.{request.service.name}.volumes: {mount.source} does not exist",
                        hint="make it, or let bind.create_host_path be true")
