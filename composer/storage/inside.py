"""A container's files from outside: through PID 1's root while there is one, else mounted for the time of a visit."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from composer.errors import StorageError
from composer.host import Image
from composer.storage import kernel
from composer.storage.rootfs import mount_rootfs
from composer.store import ContainerPlaces, read_json

T = TypeVar("T")


def running_root(pid: int) -> Path:
    """What the process has for `/`, with all that is mounted there (proc(5), /proc/PID/root)."""
    return Path(f"/proc/{pid}/root")


def visit(places: ContainerPlaces, image: Image, work: Callable[[Path], T]) -> T:
    """`work` on the mounted files of a container that does not run. To be called in a mount namespace of one's own."""
    try:
        rootfs = mount_rootfs(places, image)
        for mount in (read_json(places.config) or {}).get("mounts", ()):
            if "bind" in mount.get("options", ()) or "rbind" in mount.get("options", ()):
                _bind(rootfs, mount["source"], mount["destination"], read_only="ro" in mount["options"])
    except OSError as refused:
        raise StorageError(f"container {places.id[:12]}: {refused.strerror}") from refused
    return work(rootfs)


def _bind(rootfs: Path, source: str, target: str, *, read_only: bool) -> None:
    """What was mounted when it ran: volumes and the user's folders. What is gone by now is left out."""
    if not os.path.exists(source):
        return
    with suppress(FileNotFoundError), kernel.opened_in_root(rootfs, target, os.O_PATH) as descriptor:
        spot = Path(f"/proc/self/fd/{descriptor}")
        kernel.mount(source, spot, "", kernel.MS_BIND | kernel.MS_REC)
    if read_only:
        with suppress(FileNotFoundError), kernel.opened_in_root(rootfs, target, os.O_PATH) as descriptor:
            kernel.mount("", Path(f"/proc/self/fd/{descriptor}"), "", kernel.MS_BIND | kernel.MS_RDONLY | MS_REMOUNT)


MS_REMOUNT = 32
