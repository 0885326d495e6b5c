"""How buildah and skopeo are called: on composer's own store, each in a fresh mount namespace, so that no mount of theirs stays."""

from __future__ import annotations

import re
import shutil
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

from composer import process
from composer.errors import ImageError
from composer.store import Places, write_bytes

_HOST_REGISTRIES = Path("/etc/containers/registries.conf")
_HYBRID_GROUPS = Path("/sys/fs/cgroup/unified/cgroup.controllers")
_SEARCH = re.compile(r"^[ \t]*unqualified-search-registries[ \t]*=[ \t]*\[[^\]]*\]", re.MULTILINE)


def buildah(places: Places, *arguments: str) -> list[str]:
    """buildah's command line on composer's store; says which package to install when there is no buildah."""
    require("buildah")
    return ["buildah", "--root", str(places.images), "--runroot", str(places.image_runroot), "--storage-driver", "overlay", *arguments]


def skopeo_target(places: Places, name: str) -> str:
    """An image of composer's store as skopeo names it (containers-transports(5))."""
    return f"containers-storage:[overlay@{places.images}+{places.image_runroot}]{name}"


def require(program: str) -> None:
    if shutil.which(program) is None:
        raise ImageError(f"{program}: program not found", hint=f"install it: apt-get install {program} (Fedora: dnf install {program})")


def stream(argv: Sequence[str], on_line: Callable[[str], None], *, places: Places, without_hybrid_groups: bool = False) -> None:
    """Run one of them to its end. `without_hybrid_groups` hides the v2 part of a hybrid cgroup tree, with which crun refuses to work."""
    if without_hybrid_groups and _HYBRID_GROUPS.exists():
        argv = ["sh", "-c", f'umount -l {_HYBRID_GROUPS.parent} && exec "$@"', "sh", *argv]
    env = {"CONTAINERS_REGISTRIES_CONF": str(_registries(places)), "CONTAINERS_SHORT_NAME_ALIASING": "off"}
    process.stream(argv, on_line, error=ImageError, env=env, unshare_mounts=True)


def _registries(places: Places) -> Path:
    """The host's registries.conf, but short names (`FROM nginx`) mean Docker Hub, as they do for Docker."""
    try:
        said = _HOST_REGISTRIES.read_text()
        tomllib.loads(said)
    except (OSError, tomllib.TOMLDecodeError):
        said = ""
    wanted = 'unqualified-search-registries = ["docker.io"]\n' + _SEARCH.sub("", said)
    path = places.run / "registries.conf"
    write_bytes(path, wanted.encode(), mode=0o644)
    return path
