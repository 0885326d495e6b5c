"""Where things are on disk, and how they are written: whole or not at all.

    ROOT (/var/lib/composer, COMPOSER_ROOT)          survives a reboot
      images/                                        containers/storage, composer's own
      skeleton/                                      the lowest layer of all containers: what they mount something on
      pulled/                                        a file a name, whose time is that of the last pull
      volumes/NAME/                                  volumes with a name of their own, and shared ones
      networks/NAME/{network.json,members/HASH}      networks that projects share
      projects/HASH/project.json                     the project as last brought up
      projects/HASH/networks/KEY.json
      projects/HASH/volumes/NAME/{volume.json,_data}
      projects/HASH/containers/ID/                   container.json (the record), service.json, config.json (OCI bundle),
                                                     upper/, work/, rootfs/, files/, container.log
    RUN (/run/composer, COMPOSER_RUN)                gone with a reboot
      HASH/{lock,socket,netns,guard.json,exits/,attach/,oci/,exec/}
      HASH/contents/                                 values of secrets and configs from the environment; on a RUN that is no
                                                     tmpfs they are in /dev/shm/composer-*/
      images/                                        runroot of containers/storage
      networks/NAME/netns                            what joins the members of a shared network
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import composer
from composer.errors import StorageError

#: What tells one state of a file from another, as JSON can hold it: device, inode, size, time of change; None when it is not there.
Stamp = list[int] | None

#: Number of the layout of the state files; a reader refuses a higher one.
SCHEMA = 1


def project_hash(name: str, working_dir: str) -> str:
    """A project is its name and its folder, by whatever links it is reached: another checkout of the same name is another project."""
    return sha256(f"{name}\0{os.path.realpath(working_dir)}".encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Places:
    """The two top folders; from the environment, so that tests have their own."""

    root: Path
    run: Path

    @classmethod
    def default(cls) -> Places:
        return cls(Path(os.environ.get("COMPOSER_ROOT") or composer.ROOT), Path(os.environ.get("COMPOSER_RUN") or composer.RUN))

    def make(self) -> None:
        """Both folders, for nobody but us: below them are images' and containers' files, setuid ones too."""
        for folder in (self.root, self.run):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            folder.chmod(0o700)

    @property
    def images(self) -> Path:
        return self.root / "images"

    @property
    def image_runroot(self) -> Path:
        return self.run / "images"

    @property
    def scratch(self) -> Path:
        """What buildah and skopeo put aside while they run."""
        return self.root / "scratch"

    @property
    def skeleton(self) -> Path:
        """The lowest layer of every container's root file system."""
        return self.root / "skeleton"

    @property
    def shared_volumes(self) -> Path:
        return self.root / "volumes"

    def network(self, name: str) -> NetworkPlaces:
        return NetworkPlaces(name, self.root / "networks" / name, self.run / "networks" / name)

    def networks(self) -> list[NetworkPlaces]:
        """Every network that projects share."""
        with suppress(FileNotFoundError):
            return [self.network(entry.name) for entry in sorted((self.root / "networks").iterdir()) if entry.is_dir()]
        return []

    def projects(self) -> list[ProjectPlaces]:
        """Every project that has left a trace here."""
        with suppress(FileNotFoundError):
            return [self.project(entry.name) for entry in sorted((self.root / "projects").iterdir()) if entry.is_dir()]
        return []

    def project(self, hash_: str) -> ProjectPlaces:
        return ProjectPlaces(hash_, self.root / "projects" / hash_, self.run / hash_, self)


@dataclass(frozen=True, slots=True)
class NetworkPlaces:
    """The files and folders of a network that projects share."""

    name: str
    state: Path
    run: Path

    @property
    def record(self) -> Path:
        return self.state / "network.json"

    @property
    def members(self) -> Path:
        """A file for each project that is on it, named by the project's HASH."""
        return self.state / "members"

    @property
    def netns(self) -> Path:
        return self.run / "netns"


@dataclass(frozen=True, slots=True)
class ProjectPlaces:
    """The files and folders of one project."""

    hash: str
    state: Path
    run: Path
    top: Places

    @property
    def providers(self) -> Path:
        """Variables that the programs of providers have set, by service."""
        return self.state / "providers.json"

    @property
    def project_file(self) -> Path:
        return self.state / "project.json"

    @property
    def networks(self) -> Path:
        return self.state / "networks"

    @property
    def volumes(self) -> Path:
        return self.state / "volumes"

    @property
    def containers(self) -> Path:
        return self.state / "containers"

    def container(self, id_: str) -> ContainerPlaces:
        return ContainerPlaces(id_, self.containers / id_, self)

    @property
    def lock(self) -> Path:
        return self.run / "lock"

    @property
    def socket(self) -> Path:
        return self.run / "socket"

    @property
    def guard_file(self) -> Path:
        return self.run / "guard.json"

    @property
    def netns(self) -> Path:
        return self.run / "netns"

    @property
    def exits(self) -> Path:
        """conmon writes one file a container here, its name the id, its text the exit code."""
        return self.run / "exits"

    @property
    def attach(self) -> Path:
        """conmon makes ID/attach below it (a SOCK_SEQPACKET socket)."""
        return self.run / "attach"

    @property
    def contents(self) -> Path:
        """Values of secrets and configs that come from the environment, KIND.KEY, mode 0600: never on a disk. Where RUN is on one,
        they are in the host's /dev/shm, which a container with `ipc: host` shares."""
        memory = Path("/dev/shm")
        if _is_in_memory(self.top.run) or not _is_in_memory(memory):
            return self.run / "contents"
        return memory / f"composer-{sha256(os.fsencode(self.run)).hexdigest()[:12]}"

    @property
    def oci(self) -> Path:
        """The OCI runtime's --root."""
        return self.run / "oci"

    @property
    def events(self) -> Path:
        """What happened to the project's containers, an event as JSON a line; bounded."""
        return self.state / "events.jsonl"

    @property
    def log(self) -> Path:
        """The supervisor's own log."""
        return self.state / "supervisor.log"


@dataclass(frozen=True, slots=True)
class ContainerPlaces:
    """The files and folders of one container; `folder` is its OCI bundle."""

    id: str
    folder: Path
    project: ProjectPlaces

    @property
    def record(self) -> Path:
        return self.folder / "container.json"

    @property
    def service(self) -> Path:
        return self.folder / "service.json"

    @property
    def config(self) -> Path:
        return self.folder / "config.json"

    @property
    def rootfs(self) -> Path:
        return self.folder / "rootfs"

    @property
    def upper(self) -> Path:
        return self.folder / "upper"

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def files(self) -> Path:
        """hosts, hostname, resolv.conf."""
        return self.folder / "files"

    @property
    def log(self) -> Path:
        return self.folder / "container.log"

    @property
    def sync(self) -> Path:
        """The intent of a `sync` under way: where its drafts may be."""
        return self.folder / "sync.json"

    @property
    def gate(self) -> Path:
        """PID 1 waits at it after `RUNTIME create`; crun and runc take it away when `start` lets PID 1 go."""
        return self.project.oci / self.id / "exec.fifo"


@cache
def _is_in_memory(folder: Path) -> bool:
    """Whether the file system that a folder is on is a tmpfs (proc(5), mounts)."""
    with open("/proc/self/mounts") as file:
        mounts = [line.split()[1:3] for line in file]
    holding = [(point, kind) for point, kind in mounts if folder.is_relative_to(point)]
    return bool(holding) and max(holding, key=lambda mount: len(mount[0]))[1] == "tmpfs"


def read_json(path: Path) -> dict[str, Any] | None:
    """A state file's content; None when it is not there, or was emptied by a crash of the machine (see `write_json`)."""
    try:
        return json.loads(path.read_bytes())  # type: ignore[no-any-return]
    except (FileNotFoundError, json.JSONDecodeError):
        return None


def write_json(path: Path, value: object, *, mode: int = 0o600) -> None:
    """Replace a state file in one step; its folder is made when missing."""
    write_bytes(path, json.dumps(value, separators=(",", ":")).encode(), mode=mode)


def write_bytes(path: Path, value: bytes, *, mode: int = 0o600) -> None:
    """Replace a file in one step (rename(2)): a reader sees the old one or the new one."""
    with room_on_disk():
        _replace(path, value, mode)


_DRAFT = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


def _replace(path: Path, value: bytes, mode: int) -> None:
    target = os.fspath(path)
    folder, name = os.path.split(target)
    draft = f"{folder}/.{name}.{threading.get_native_id()}"  # of nobody else that is alive; a dead one's is used again
    try:
        descriptor = os.open(draft, _DRAFT, mode)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o711)
        descriptor = os.open(draft, _DRAFT, mode)
    try:
        with open(descriptor, "wb") as file:
            file.write(value)
        os.rename(draft, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(draft)
        raise


@contextmanager
def room_on_disk() -> Iterator[None]:
    """A full disk is the user's to mend, no bug: the block's OSError becomes a StorageError."""
    try:
        yield
    except OSError as refused:
        if refused.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        hint = "make room where composer keeps its state: /var/lib/composer, or COMPOSER_ROOT"
        raise StorageError(f"{refused.filename or 'the state of the project'}: {refused.strerror}", hint=hint) from refused


def make_private(folder: Path) -> None:
    """A folder for nobody but us, where others may write too (/dev/shm): StorageError for one that somebody else has put there."""
    folder.mkdir(mode=0o700, exist_ok=True)
    check_private(folder)


def check_private(folder: Path) -> None:
    """One that is not there is fine."""
    with suppress(FileNotFoundError):
        found = os.lstat(folder)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
            raise StorageError(f"{folder}: somebody else has put this there", hint=f"look who, and remove it: rm -r {folder}")


def stamp(path: str) -> Stamp:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return [status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns]


def remove_tree(path: Path) -> None:
    """Remove a folder and all in it; one that is not there is fine. Never follows a symbolic link: that is removed itself."""
    with suppress(FileNotFoundError):
        if path.is_symlink():
            path.unlink()
            return
        import shutil  # with all its compressors: not for commands that only look

        shutil.rmtree(path)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive flock(2) on a file for as long as the block runs; waits for it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o711)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
