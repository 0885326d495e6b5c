"""`build:` through buildah.

Docker's image format (OCI's drops HEALTHCHECK), every step a layer for the cache, RUN steps on the host's network or none.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from composer.errors import ImageError
from composer.host import NO_ACCESS, Access, Progress
from composer.images import tools
from composer.images.reference import parse
from composer.images.scratch import Scratch, scratch
from composer.model.build import Build
from composer.store import Places

_FROM = re.compile(r"STEP \d+/\d+: FROM (\S+)")
_STEP_FAILED = re.compile(r'Error: building at STEP "(.*)": (.*)')
_NO_BASE = re.compile(r"Error: (?:error )?creating build container: (.*)")
_REMOTE = ("http://", "https://", "git://", "git@", "ssh://", "github.com/")
#: Registries on this machine that a recipe may name, in FROM or in COPY --from.
_LOOPBACK = re.compile(r"(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]):\d+(?=/)")
_TAIL = 12

#: What Docker grants to RUN beyond buildah's own set: device nodes in packages, and login tools that write to the audit log.
_CAPABILITIES = ("CAP_MKNOD", "CAP_AUDIT_WRITE")
_PRIVILEGED = ("--cap-add", "all", "--security-opt", "seccomp=unconfined")
NO_SECRETS: Mapping[str, Path] = {}


def build_image(
    places: Places,
    build: Build,
    reference: str,
    progress: Progress,
    access: Access = NO_ACCESS,
    *,
    no_cache: bool = False,
    pull: bool = False,
    secrets: Mapping[str, Path] = NO_SECRETS,
) -> str:
    """Build, name, and return the image's id; `secrets`: id -> file. ImageError has the failing instruction and its last lines."""
    named = _dockerfile(build)
    with scratch(places) as aside:
        id_file = aside.folder / "id"
        dockerfile = named or _written(build, aside.folder)
        argv = [
            *tools.buildah(places, "bud", "--format", "docker", "--layers", "--force-rm"),
            "--isolation", "oci", "--runtime", _runtime(), "--iidfile", str(id_file),
            f"--pull={'always' if pull or build.pull else 'false'}",
            # buildah cannot leave the cache out for some stages only.
            *(["--no-cache"] if no_cache or build.no_cache or build.no_cache_filter else []),
            *recipe_options(build, reference), *process_options(build),
            *_repeated("--secret", [f"id={key},src={path}" for key, path in secrets.items()]), "--file", dockerfile, build.context,
        ]
        _run(argv, reference, progress, access, aside, registries=_on_loopback(argv, dockerfile))
        return id_file.read_text().strip().removeprefix("sha256:")


def _on_loopback(argv: Sequence[str], dockerfile: str) -> list[str]:
    """The registries of this machine that the recipe and its arguments name; one that is fetched with its context is not looked into."""
    with suppress(OSError):
        return _LOOPBACK.findall(Path(dockerfile).read_text(errors="replace") + " ".join(argv))
    return []


def _runtime() -> str:
    """RUN steps need an OCI runtime: the `chroot` isolation would show them the host's processes and leave their daemons behind."""
    for name in ("crun", "runc"):
        if shutil.which(name):
            return name
    raise ImageError("no OCI runtime found for RUN steps", hint="install one: apt-get install crun")


def recipe_options(build: Build, reference: str) -> list[str]:
    """What is built, from what, and what it is called."""
    names = (reference, *build.tags)
    contexts = {name: _context(value, f"build of {reference}") for name, value in build.additional_contexts.items()}
    return [
        *_repeated("--tag", [str(parse(name)) for name in names]),
        *_repeated("--build-arg", _arguments(build)),
        *_repeated("--build-context", [f"{name}={value}" for name, value in contexts.items()]),
        *_repeated("--label", [f"{key}={value}" for key, value in build.labels.items()]),
        *(["--target", build.target] if build.target else []),
    ]


def process_options(build: Build) -> list[str]:
    """What RUN instructions may and see. They are on the host's network, whose loopback is `host-gateway` so."""
    limits = [f"{name}={limit.soft}:{limit.hard}" for name, limit in build.ulimits.items()]
    hosts = (entry.partition("=")[::2] for entry in build.extra_hosts)
    return [
        "--network", "none" if build.network == "none" else "host",
        *(_PRIVILEGED if build.privileged else _repeated("--cap-add", _CAPABILITIES)),
        *_repeated("--add-host", [f"{host}:{'127.0.0.1' if address == 'host-gateway' else address}" for host, address in hosts]),
        *_repeated("--ulimit", limits), *(["--shm-size", str(build.shm_size)] if build.shm_size else []),
        *(["--memory", str(build.memory)] if build.memory else []),
        *_repeated("--ssh", [_agent(one) for one in build.ssh]),
    ]


def _context(value: str, subject: str) -> str:
    """As buildah names it: an image of a layout is one of another transport (containers-transports(5))."""
    if not value.startswith("oci-layout://"):
        return value
    if "@" in value:
        raise ImageError(f"{subject}: {value}: an image of a layout is named by its tag", hint="oci-layout://FOLDER:TAG")
    return f"docker-image://oci:{value.removeprefix('oci-layout://')}"


def _agent(one: str) -> str:
    key, assigned, _path = one.partition("=")
    if not assigned:
        raise ImageError(f"build.ssh: {key}: there is no SSH agent", hint=f"start one (SSH_AUTH_SOCK), or write {key}=PATH of a key")
    return one


def _arguments(build: Build) -> list[str]:
    """An argument without a value takes the builder's environment; where that has none either, the Dockerfile's default holds."""
    values = {name: os.environ.get(name) if value is None else value for name, value in build.args.items()}
    return [f"{name}={value}" for name, value in values.items() if value is not None]


def _repeated(option: str, values: Sequence[str]) -> list[str]:
    return [word for value in values for word in (option, value)]


def _written(build: Build, folder: Path) -> str:
    inline = folder / "Dockerfile"
    inline.write_text(build.dockerfile_inline or "")
    return str(inline)


def _dockerfile(build: Build) -> str:
    """The path for `--file`, which buildah would look for in the current folder first; "" for one that stands in the compose file."""
    if build.dockerfile_inline is not None:
        return ""
    if build.context.startswith(_REMOTE):
        return build.dockerfile
    if not Path(build.context).is_dir():
        raise ImageError(f"build context {build.context}: no such folder")
    path = Path(build.context) / build.dockerfile
    if not path.is_file():
        raise ImageError(f"{path}: no such Dockerfile", hint="build.dockerfile names another one")
    return str(path)


def _run(argv: list[str], reference: str, progress: Progress, access: Access, aside: Scratch, *, registries: Sequence[str]) -> None:
    lines: list[str] = []

    def on_line(line: str) -> None:
        lines.append(line)
        del lines[:-200]
        progress(line)

    try:
        tools.stream(argv, on_line, aside, access=access, registries=registries, without_hybrid_groups=True)
    except ImageError as failed:
        raise explain(reference, lines) from failed


def explain(reference: str, lines: Sequence[str]) -> ImageError:
    """buildah's last words -> one error that names the image that is missing, or the instruction that failed with its last output."""
    bases = [match[1] for line in lines if (match := _FROM.search(line))]
    for line in reversed(lines):
        if (failed := _STEP_FAILED.match(line)) is not None:
            return ImageError(f"build of {reference}: {failed[1]}: {failed[2]}\n{_indented(lines[:-1])}")
        if (missing := _NO_BASE.match(line)) is not None:
            base = bases[-1] if bases else "the base image"
            return ImageError(f"build of {reference}: image {base} is not in composer's store and cannot be pulled: {missing[1]}",
                              hint=f"build or import {base} first, or check its name and the network")
    return ImageError(f"build of {reference} failed\n{_indented(lines)}")


def _indented(lines: Sequence[str]) -> str:
    return "\n".join(f"  | {line}" for line in lines[-_TAIL:])
