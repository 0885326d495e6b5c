"""How buildah and skopeo are called: on composer's own store, each in a fresh mount namespace, so that no mount of theirs stays.

Credentials and registries.conf reach them as files in memory (memfd_create(2)): neither disk nor command line shows them.
"""

from __future__ import annotations

import os
import re
import shutil
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from composer import process
from composer.errors import ImageError
from composer.host import NO_ACCESS, Access
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
    argv: Sequence[str], on_line: Callable[[str], None], *, access: Access = NO_ACCESS, without_hybrid_groups: bool = False
) -> None:
    """Run one of them to its end. `without_hybrid_groups` hides the v2 part of a hybrid cgroup tree, with which crun refuses to work."""
    if without_hybrid_groups and _HYBRID_GROUPS.exists():
        argv = ["sh", "-c", f'umount -l {_HYBRID_GROUPS.parent} && exec "$@"', "sh", *argv]
    with handed(access) as files:
        process.stream(argv, on_line, error=ImageError, env=files.env, pass_fds=files.fds, unshare_mounts=True)


def skopeo(files: Handed, command: str, *arguments: str) -> list[str]:
    """skopeo's command line; it knows no variable for registries.conf."""
    require("skopeo")
    return [*process.UNSHARED, "skopeo", "--registries-conf", files.registries, command, *arguments]


def verification(side: str, registry: str) -> list[str]:
    """As Docker has it: a registry on loopback may speak plain HTTP. `side` is src, dest, or "" where there is one side only."""
    host = registry.rpartition(":")[0] if re.search(r":\d+$", registry) else registry
    return [f"--{side}{'-' if side else ''}tls-verify=false"] if _is_loopback(host.strip("[]")) else []


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


@contextmanager
def handed(access: Access) -> Iterator[Handed]:
    """The caller's credentials and registries.conf, readable by whoever inherits the descriptors."""
    with ExitStack() as stack:
        registries = _in_memory(stack, "registries.conf", _registries(access.registries))
        path = f"/proc/self/fd/{registries}"
        env = {"CONTAINERS_REGISTRIES_CONF": path, "CONTAINERS_SHORT_NAME_ALIASING": "off"}
        if not access.auths:
            yield Handed(env, (registries,), path)
            return
        auths = _in_memory(stack, "auth.json", access.auths)
        yield Handed({**env, "REGISTRY_AUTH_FILE": f"/proc/self/fd/{auths}"}, (registries, auths), path)


def _in_memory(stack: ExitStack, name: str, text: str) -> int:
    descriptor = os.memfd_create(name)
    stack.callback(os.close, descriptor)
    os.write(descriptor, text.encode())
    return descriptor


def _registries(of_caller: str) -> str:
    """The caller's registries.conf, else the host's, but short names (`FROM nginx`) mean Docker Hub, as they do for Docker."""
    said = of_caller
    try:
        said = said or _HOST_REGISTRIES.read_text()
        tomllib.loads(said)
    except (OSError, tomllib.TOMLDecodeError):
        said = ""
    return 'unqualified-search-registries = ["docker.io"]\n' + _SEARCH.sub("", said)
