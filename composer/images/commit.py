"""`commit`: a container as an image of the store.

The container's upper folder is what the new layer is in the store as well: whiteouts (devices 0:0) and opaque folders (an attribute)
included, so that it is copied as it is into a working container of buildah's, which is then committed.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from composer.errors import ImageError
from composer.host import Image
from composer.images import tools
from composer.images.reference import parse
from composer.images.scratch import Scratch, scratch
from composer.model.health import Healthcheck
from composer.model.service import Service
from composer.store import Places

#: Instructions of a Dockerfile that only say how an image is run (docker commit --change).
CHANGES = frozenset(
    {"CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "ONBUILD", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"}
)


@dataclass(frozen=True, slots=True)
class Wishes:
    """`name` "" for an image without one; `changes`: lines of a Dockerfile that only say how it is run."""

    name: str = ""
    author: str = ""
    message: str = ""
    changes: tuple[str, ...] = ()


def check(wishes: Wishes) -> None:
    """Before anything is touched."""
    if wishes.name:
        parse(wishes.name)
    for line in wishes.changes:
        if line.split(" ")[0].upper() not in CHANGES or "\n" in line:
            raise ImageError(f"--change {line!r}: not an instruction that can be applied", hint=f"one of {', '.join(sorted(CHANGES))}")


def commit(places: Places, image: Image, upper: Path, settings: Sequence[str], wishes: Wishes) -> str:
    """The id of the new image: `image` with a layer of what is in `upper`, and what `settings` (buildah-config(1)) say."""
    notes = [word for option, text in (("--author", wishes.author), ("--comment", wishes.message)) if text for word in (option, text)]
    with scratch(places) as aside, _working(places, image, aside) as working:
        if settings or notes:
            _buildah(places, aside, "config", *settings, *notes, working)
        _run(["cp", "-a", "--", f"{upper}/.", str(_layer(places, working))], aside)
        made = aside.folder / "made"
        named = [str(parse(wishes.name))] if wishes.name and not wishes.changes else []
        _buildah(places, aside, "commit", "--format", "docker", "--quiet", "--iidfile", str(made), working, *named)
        id_ = made.read_text().strip().removeprefix("sha256:")
        return _changed(places, id_, wishes, aside) if wishes.changes else id_


def settings(service: Service, image: Image, labels: Mapping[str, str]) -> list[str]:
    """What a container of the service has of its own beside files, as buildah-config(1) takes it."""
    found = [f"--env={name}={value.replace('$', '$$')}" for name, value in service.environment.items() if value is not None]
    found += [f"--label={name}={value}" for name, value in labels.items()]
    if service.entrypoint is not None:
        found.append(f"--entrypoint={json.dumps(service.entrypoint)}")
    if service.command is not None or service.entrypoint is not None:
        found.append(f"--cmd={shlex.join(service.command or ())}")
    elif image.config.command:
        found.append(f"--cmd={shlex.join(image.config.command)}")
    named = {"user": service.user, "workingdir": service.working_dir, "stop-signal": service.stop_signal}
    found += [f"--{option}={value}" for option, value in named.items() if value]
    return [*found, *(_health(service.healthcheck) if service.healthcheck else [])]


def _health(check: Healthcheck) -> list[str]:
    if check.disable:
        return ["--healthcheck=NONE"]
    times = {"interval": check.interval, "timeout": check.timeout, "start-period": check.start_period}
    found = [f"--healthcheck-{name}={seconds:.9f}s" for name, seconds in times.items() if seconds is not None]
    found += [f"--healthcheck-retries={check.retries}"] if check.retries is not None else []
    return [*([f"--healthcheck={shlex.join(check.test)}"] if check.test else []), *found]


@contextmanager
def _working(places: Places, image: Image, aside: Scratch) -> Iterator[str]:
    """The id of a working container of buildah's, for as long as the block runs."""
    file = aside.folder / "working"
    _buildah(places, aside, "from", "--pull-never", "--cidfile", str(file), image.id)
    working = file.read_text().strip()
    try:
        yield working
    finally:
        _buildah(places, aside, "rm", working)


def _layer(places: Places, working: str) -> Path:
    """The folder with the files of its own layer."""
    known = json.loads((places.images / "overlay-containers" / "containers.json").read_text())
    (layer,) = (str(one["layer"]) for one in known if one["id"] == working)
    return places.images / "overlay" / layer / "diff"


def _changed(places: Places, id_: str, wishes: Wishes, aside: Scratch) -> str:
    """The image with the changes, in the place of the one that was made for them."""
    recipe, empty, made = aside.folder / "Dockerfile", aside.folder / "context", aside.folder / "changed"
    recipe.write_text("\n".join([f"FROM {id_}", *wishes.changes, ""]))
    empty.mkdir()
    named = ["--tag", str(parse(wishes.name))] if wishes.name else []
    try:
        words = ["--format", "docker", "--pull=false", "--quiet", "--iidfile", str(made), "--file", str(recipe)]
        _buildah(places, aside, "bud", *words, *named, str(empty))
    finally:
        _buildah(places, aside, "rmi", "--force", id_)
    return made.read_text().strip().removeprefix("sha256:")


def _buildah(places: Places, aside: Scratch, *arguments: str) -> None:
    _run(tools.buildah(places, *arguments), aside)


def _run(argv: Sequence[str], aside: Scratch) -> None:
    tools.stream(argv, lambda _line: None, aside)
