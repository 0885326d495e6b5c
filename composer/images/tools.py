"""How buildah and skopeo are called: on composer's own store, each in a fresh mount namespace, so that no mount of theirs stays.

Credentials and registries.conf reach them as files in memory (memfd_create(2)): neither disk nor command line shows them.
"""

from __future__ import annotations

import os
import re
import shutil
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from composer import process
from composer.errors import ImageError
from composer.host import NO_ACCESS, Access
from composer.images.scratch import Scratch
from composer.store import Places

_HOST_REGISTRIES = Path("/etc/containers/registries.conf")
_HYBRID_GROUPS = Path("/sys/fs/cgroup/unified/cgroup.controllers")
_SEARCH = re.compile(r"^[ \t]*unqualified-search-registries[ \t]*=[ \t]*\[[^\]]*\]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Handed:
    """Files in memory for one program: their paths as it sees them, and the descriptors to pass."""

    env: dict[str, str]
    fds: tuple[int, ...]
    registries: str


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


def stream(
    argv: Sequence[str],
    on_line: Callable[[str], None],
    aside: Scratch,
    *,
    access: Access = NO_ACCESS,
    registries: Iterable[str] = (),
    without_hybrid_groups: bool = False,
) -> None:
    """Run one of them to its end, its temporary files in `aside`. `registries`: see `handed`.
    `without_hybrid_groups` hides the v2 part of a hybrid cgroup tree, with which crun refuses to work."""
    if without_hybrid_groups and _HYBRID_GROUPS.exists():
        argv = ["sh", "-c", f'umount -l {_HYBRID_GROUPS.parent} && exec "$@"', "sh", *argv]
    with handed(access, registries) as files:
        fds = (*files.fds, aside.lock)
        process.stream(argv, on_line, error=ImageError, env={**files.env, **aside.env}, pass_fds=fds, unshare_mounts=True)


def skopeo(files: Handed, command: str, *arguments: str) -> list[str]:
    """skopeo's command line; it knows no variable for registries.conf."""
    require("skopeo")
    return [*process.UNSHARED, "skopeo", "--registries-conf", files.registries, command, *arguments]


@contextmanager
def handed(access: Access, registries: Iterable[str] = ()) -> Iterator[Handed]:
    """The caller's credentials and registries.conf, readable by whoever inherits the descriptors. `registries`: those to be spoken to."""
    with ExitStack() as stack:
        conf = _in_memory(stack, "registries.conf", registries_conf(access.registries, registries))
        path = f"/proc/self/fd/{conf}"
        env = {"CONTAINERS_REGISTRIES_CONF": path, "CONTAINERS_SHORT_NAME_ALIASING": "off"}
        if not access.auths:
            yield Handed(env, (conf,), path)
            return
        auths = _in_memory(stack, "auth.json", access.auths)
        yield Handed({**env, "REGISTRY_AUTH_FILE": f"/proc/self/fd/{auths}"}, (conf, auths), path)


def _in_memory(stack: ExitStack, name: str, text: str) -> int:
    descriptor = os.memfd_create(name)
    stack.callback(os.close, descriptor)
    os.write(descriptor, text.encode())
    return descriptor


def registries_conf(of_caller: str, registries: Iterable[str]) -> str:
    """The caller's registries.conf, else the host's, but short names (`FROM nginx`) mean Docker Hub, and those of `registries` that are on
    loopback may speak plain HTTP, unless the file says something about them: both as with Docker."""
    said, entries = _usable(of_caller)
    known = {entry.get(key) for entry in entries for key in ("location", "prefix")}
    plain = sorted(name for name in set(registries) - known if _is_loopback(name))
    return "\n".join(
        [
            'unqualified-search-registries = ["docker.io"]',
            _SEARCH.sub("", said),
            *(f'[[registry]]\nlocation = "{name}"\ninsecure = true' for name in plain),
        ]
    )


def _usable(of_caller: str) -> tuple[str, list[dict[str, str]]]:
    """The text and its entries; one that cannot be read is none."""
    try:
        said = of_caller or _HOST_REGISTRIES.read_text()
        return said, tomllib.loads(said).get("registry", [])
    except (OSError, tomllib.TOMLDecodeError):
        return "", []


def _is_loopback(registry: str) -> bool:
    host = re.sub(r":\d+$", "", registry).strip("[]")
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
