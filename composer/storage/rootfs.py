"""A container's root file system: an overlay of the image's layers below the container's own upper folder."""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from composer.errors import StorageError
from composer.host import Image
from composer.storage import kernel
from composer.store import ContainerPlaces, Places, remove_tree

_PAGE = 4096
#: What every container mounts something on. Most images lack some of it, and what the OCI runtime makes itself it makes in the upper
#: folder of each container, at the price of a copy of /etc (Docker has a layer of the kind as well).
_FOLDERS, _FILES = ("dev", "proc", "sys", "etc"), ("etc/hosts", "etc/hostname", "etc/resolv.conf")
#: An index would bind the upper folder to these very layers (ESTALE after an image was loaded again) and nothing here needs it.
_OPTIONS = ("index", "off")


def mount_rootfs(places: ContainerPlaces, image: Image) -> Path:
    """Mount it at `places.rootfs` in the calling thread's mount namespace, with as many layers as the image has."""
    _make_folders(places, image)
    try:
        _mount(_Overlay([*image.layers, _skeleton(places.project.top)], places.upper, places.work, places.rootfs))
    except OSError as refused:
        raise _explain(refused, places, image) from refused
    return places.rootfs


def _make_folders(places: ContainerPlaces, image: Image) -> None:
    places.folder.mkdir(parents=True, exist_ok=True, mode=0o711)
    for folder in (places.work, places.rootfs, places.files):
        folder.mkdir(exist_ok=True, mode=0o711)
    if not places.upper.exists():
        places.upper.mkdir(mode=0o755)
        _take_over_root(image, places.upper)


def _take_over_root(image: Image, upper: Path) -> None:
    """The upper folder is the container's `/`: it looks like the image's."""
    try:
        top = os.stat(image.layers[0]) if image.layers else None
    except FileNotFoundError:
        raise StorageError(f"image {_name(image)}: layer {image.layers[0]} is gone", hint="pull or build the image again") from None
    if top is not None:
        os.chown(upper, top.st_uid, top.st_gid)
        os.chmod(upper, top.st_mode & 0o7777)


def mount_image(image: Image, folder: Path) -> Path:
    """Mount another image's files in the calling thread's mount namespace; what is written there stays in `folder`."""
    parts = [folder / name for name in ("upper", "work", "root")]
    for part in parts:
        part.mkdir(parents=True, exist_ok=True, mode=0o755)
    empty = folder / "empty"  # overlayfs wants two layers, and some images have one or none
    empty.mkdir(exist_ok=True)
    _mount(_Overlay([*image.layers, empty], *parts))
    return parts[-1]


@dataclass(frozen=True, slots=True)
class _Overlay:
    """`layers`: the topmost first."""

    layers: list[Path]
    upper: Path
    work: Path
    target: Path


def _mount(overlay: _Overlay) -> None:
    data = _data(":".join(_escaped(layer) for layer in overlay.layers), overlay)
    if len(data) < _PAGE:
        return kernel.mount("overlay", overlay.target, "overlay", 0, data)
    try:
        kernel.mount_overlay(overlay.layers, overlay.upper, overlay.work, overlay.target, [_OPTIONS])
    except OSError as refused:
        if refused.errno != errno.EINVAL:
            raise
        _mount_by_descriptors(overlay)


def _mount_by_descriptors(overlay: _Overlay) -> None:
    """Before Linux 6.7: names as short as /proc/self/fd/9 bring some 200 layers into the one page that mount(2) takes."""
    with ExitStack() as stack:
        numbers = [os.open(layer, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC) for layer in overlay.layers]
        for number in numbers:
            stack.callback(os.close, number)
        data = _data(":".join(f"/proc/self/fd/{number}" for number in numbers), overlay)
        if len(data) >= _PAGE:
            raise OSError(errno.E2BIG, f"{len(overlay.layers)} layers are more than this kernel can mount")
        kernel.mount("overlay", overlay.target, "overlay", 0, data)


def _data(lower: str, overlay: _Overlay) -> str:
    return f"lowerdir={lower},upperdir={_escaped(overlay.upper)},workdir={_escaped(overlay.work)},{'='.join(_OPTIONS)}"


def _escaped(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")


def _skeleton(top: Places) -> Path:
    """The lowest layer of all containers: empty, but for the places of those mounts. What an image has itself wins."""
    if not top.skeleton.is_dir():
        draft = Path(tempfile.mkdtemp(prefix=".skeleton-", dir=top.root))
        draft.chmod(0o755)
        for folder in _FOLDERS:
            (draft / folder).mkdir(mode=0o755)
        for file in _FILES:
            (draft / file).touch(mode=0o644)
        try:
            draft.rename(top.skeleton)
        except OSError:  # another one was faster
            remove_tree(draft)
    return top.skeleton


def _explain(refused: OSError, places: ContainerPlaces, image: Image) -> StorageError:
    gone = next((layer for layer in image.layers if not layer.is_dir()), None)
    if gone is not None:
        return StorageError(f"image {_name(image)}: layer {gone} is gone", hint="pull or build the image again")
    if kernel.file_system(places.upper) == kernel.OVERLAYFS_MAGIC:
        return StorageError(f"{places.upper}: an overlay cannot have its upper folder on another overlay",
                            hint="composer runs inside a container: let COMPOSER_ROOT be on a volume or a tmpfs")
    return StorageError(f"root file system of {places.id[:12]} (image {_name(image)}): {refused.strerror}")


def _name(image: Image) -> str:
    return image.names[0] if image.names else image.id[:12]
