"""What a container sees at a path: `volumes`, `tmpfs`, `secrets`, `configs`, and the top-level elements behind them."""

from __future__ import annotations

from collections.abc import Mapping

from composer.model.base import Model
from composer.model.values import MountType


class Mount(Model):
    """An entry of `services.*.volumes`. `source` is an absolute path for a bind, the top-level key for a named volume, the name of an
    image, "" for an anonymous volume and a tmpfs."""

    type: MountType
    source: str = ""
    target: str
    read_only: bool = False
    create_host_path: bool = True  # bind: make a missing source folder
    propagation: str = "rprivate"  # bind: rprivate, private, rshared, shared, rslave, slave
    recursive: str = "enabled"  # bind: enabled, disabled, writable, readonly
    nocopy: bool = False  # volume: do not fill it from the image
    subpath: str = ""  # volume, image
    size: int | None = None  # tmpfs, bytes
    mode: int | None = None  # tmpfs


class Grant(Model):
    """An entry of `services.*.secrets` or `configs`; `target` is an absolute path in the container."""

    source: str
    target: str
    uid: int = 0
    gid: int = 0
    mode: int = 0o444


class Volume(Model):
    """A top-level volume. `shared` when the file gives it a name of its own: then it belongs to no single project."""

    key: str
    name: str
    driver: str = "local"
    driver_opts: Mapping[str, str] = {}
    external: bool = False
    shared: bool = False
    labels: Mapping[str, str] = {}


class FileSource(Model):
    """A top-level secret or config: exactly one of `file` (absolute), `environment` (a variable's name), `content`."""

    key: str
    name: str
    file: str | None = None
    environment: str | None = None
    content: str | None = None
    external: bool = False
    labels: Mapping[str, str] = {}
