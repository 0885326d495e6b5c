"""The options of the volume driver `local`: `type`, `device` and `o`, which mean what they mean to mount(8)."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from composer.errors import StorageError
from composer.storage import kernel

_FLAGS = {
    "ro": kernel.MS_RDONLY, "nosuid": kernel.MS_NOSUID, "nodev": kernel.MS_NODEV, "noexec": kernel.MS_NOEXEC, "sync": 16, "dirsync": 128,
    "noatime": 1024, "nodiratime": 2048, "relatime": 1 << 21, "strictatime": 1 << 24,
}
_NOTHING = frozenset({"rw", "suid", "dev", "exec", "async", "atime", "defaults", ""})


@dataclass(frozen=True, slots=True)
class FileSystem:
    """What mount(2) is asked for."""

    kind: str
    device: str
    flags: int = 0
    data: str = ""

    @property
    def restrictions(self) -> tuple[str, ...]:
        """Those of its flags by which a mount forbids something."""
        return tuple(word for word in ("ro", "nosuid", "nodev", "noexec") if self.flags & _FLAGS[word])

    def mount(self, target: Path) -> None:
        """In the calling thread's mount namespace. A server's name (nfs: `addr=NAME`) becomes its address now: the kernel asks nobody."""
        words = [_resolved(word) for word in self.data.split(",")] if self.data else []
        kernel.mount(self.device, target, self.kind, self.flags, ",".join(words))


def parse(where: str, options: Mapping[str, str]) -> Path | FileSystem | None:
    """A folder to bind, a file system to mount, or None for a volume without options; `where` begins an error's message."""
    unknown = sorted(options.keys() - {"type", "device", "o"})
    if unknown:
        raise StorageError(f"{where}: the driver local does not know {unknown[0]}", hint="it knows type, device and o")
    if not options:
        return None
    kind, device, words = options.get("type") or "none", options.get("device", ""), options.get("o", "").split(",")
    if not device:
        raise StorageError(f"{where}: device is missing", hint="type, device and o are what mount(8) takes")
    if {"bind", "rbind"} & set(words):
        if not device.startswith("/"):
            raise StorageError(f"{where}.device: {device} is not an absolute path")
        return Path(device)
    if kind == "none":
        raise StorageError(f"{where}: neither a type of file system nor o: bind")
    flags = 0
    for word in words:
        flags |= _FLAGS.get(word, 0)
    return FileSystem(kind, device, flags, ",".join(word for word in words if word not in _NOTHING and word not in _FLAGS))


def _resolved(word: str) -> str:
    key, _, host = word.partition("=")
    if key != "addr":
        return word
    try:
        return f"addr={socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0]}"
    except OSError as unknown:
        raise StorageError(f"volume option addr={host}: {unknown.strerror}") from unknown
