"""The temporary files of buildah and skopeo, which leave theirs when they are killed: each has a folder of ours, swept by the next one."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from composer.store import Places, locked, remove_tree


@dataclass(frozen=True, slots=True)
class Scratch:
    """A folder for one program, and the descriptor that it has to inherit: its flock(2) says who lives, also when we were killed."""

    folder: Path
    lock: int

    @property
    def env(self) -> dict[str, str]:
        return {"TMPDIR": str(self.folder)}


@contextmanager
def scratch(places: Places) -> Iterator[Scratch]:
    with locked(places.image_runroot / "scratch"):  # nobody sweeps before the new folder is locked
        places.scratch.mkdir(parents=True, exist_ok=True, mode=0o711)
        for left in places.scratch.iterdir():
            _remove_dead(left)
        folder = Path(tempfile.mkdtemp(dir=places.scratch))
        descriptor = _open(folder)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
    try:
        yield Scratch(folder, descriptor)
    finally:
        os.close(descriptor)
        _remove_dead(folder)


def _open(folder: Path) -> int:
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)


def _remove_dead(folder: Path) -> None:
    with suppress(FileNotFoundError, BlockingIOError):
        descriptor = _open(folder)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove_tree(folder)
        finally:
            os.close(descriptor)
