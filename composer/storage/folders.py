"""Folders of a container's target, opened once each, made where they are missing. None of them is outside the target."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from composer.errors import StorageError
from composer.storage import kernel
from composer.storage.trees import mount_of

_FOLDER = os.O_PATH | os.O_DIRECTORY
#: Descriptors that are kept at most.
_MOST = 256

Open = Callable[[int, str, int], int]


class Outside(StorageError):
    """A symbolic link of the container's leads out of the target, or nowhere."""


@dataclass(slots=True)
class Folders:
    """`tops`: the same folder as the container's processes see it and, perhaps, through a mount that is writable. `open_at` has the
    rule for symbolic links. Owner and mode of a folder that is made are those of its parent, and of its pattern on the host."""

    tops: Sequence[int]
    open_at: Open
    name: str
    replaces: bool = False  # a file in the place of a folder is removed
    root_mount: str = ""  # what only the container's own root file system may be written through the second top for
    _kept: dict[str, int] = field(default_factory=dict)

    def open(self, path: str) -> int:
        """A descriptor for *at calls (not to be closed) of a folder that is there and can be written."""
        if path not in self._kept:
            if len(self._kept) >= _MOST:
                self.close()
            self._kept[path] = self._open(path)
        return self._kept[path]

    def make(self, path: str, pattern: str) -> int:
        """As `open`; makes what is missing. `pattern`: the folder of the host that looks as this tree should."""
        with suppress(FileNotFoundError, NotADirectoryError):
            return self.open(path)
        parent, name = os.path.dirname(path), os.path.basename(path)
        above = self.make(parent, pattern)
        with suppress(FileNotFoundError):
            if self.replaces and not stat.S_ISDIR(os.stat(name, dir_fd=above, follow_symlinks=False).st_mode):
                os.unlink(name, dir_fd=above)  # a file became a folder, or a link leads nowhere
        with suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=above)
            _dress(above, name, _mode(os.path.join(pattern, path)))
        return self.open(path)

    def close(self) -> None:
        for descriptor in self._kept.values():
            os.close(descriptor)
        self._kept.clear()

    def _open(self, path: str) -> int:
        descriptor = self._resolve(self.tops[0], path)
        if not os.fstatvfs(descriptor).f_flag & os.ST_RDONLY:
            return descriptor
        own = mount_of(descriptor) == self.root_mount
        os.close(descriptor)
        if own and len(self.tops) > 1:
            return self._resolve(self.tops[1], path)
        raise StorageError(f"{os.path.join(self.name, path)} is mounted read-only in the container")

    def _resolve(self, top: int, path: str) -> int:
        try:
            return self.open_at(top, path or ".", _FOLDER)
        except OSError as refused:
            if refused.errno not in (errno.EXDEV, errno.ELOOP):
                raise
            where = f"leads out of {self.name}" if refused.errno == errno.EXDEV else "goes in circles"
            raise Outside(f"{os.path.join(self.name, path)}: a symbolic link in the container {where}") from refused


def target_folders(stack: ExitStack, roots: Sequence[Path], target: str) -> Folders:
    """The target as a top of its own; made when it is missing. `roots`: see `Folders.tops`."""
    tops = [_kept(stack, os.open(root, _FOLDER | os.O_CLOEXEC)) for root in roots]
    whole = Folders(tops, kernel.open_in_root, "/", root_mount=mount_of(tops[0]))
    stack.callback(whole.close)
    inner = target.strip("/")
    whole.make(inner, "/")
    below = [_kept(stack, descriptor) for top in tops if (descriptor := _there(top, inner)) is not None]
    folders = Folders(below, kernel.open_beneath, target, replaces=True, root_mount=whole.root_mount)
    stack.callback(folders.close)
    return folders


def _there(top: int, path: str) -> int | None:
    with suppress(FileNotFoundError, NotADirectoryError):
        return kernel.open_in_root(top, path or ".", _FOLDER)
    return None


def _kept(stack: ExitStack, descriptor: int) -> int:
    stack.callback(os.close, descriptor)
    return descriptor


def _dress(above: int, name: str, mode: int) -> None:
    """By descriptor: the container may put a link in the place of a folder that was just made."""
    owner = os.fstat(above)
    folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
    try:
        os.fchown(folder, owner.st_uid, owner.st_gid)
        os.fchmod(folder, mode)
    finally:
        os.close(folder)


def _mode(pattern: str) -> int:
    with suppress(OSError):
        return os.stat(pattern).st_mode & 0o777
    return 0o755
