"""examples/mvc: when composer says "healthy", against when the port first answers somebody who watches from outside."""

from __future__ import annotations

import json
import shutil
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from benchmarks.workplace import REPOSITORY, Workplace
from composer.engine.records import read_containers
from composer.errors import ImageError
from composer.images.driver import ImageStore
from composer.network.namespaces import Namespace
from composer.process import stream
from composer.store import Places, ProjectPlaces, project_hash

T = TypeVar("T")

IMAGES = ("docker.io/library/postgres:15", "docker.io/library/nginx:1.22", "docker.io/library/mvc-app:latest")
#: Service -> the port that it says is its own.
WATCHED = {"db": 5432, "app": 8000, "web": 80}
#: Seconds for all of it, and between two looks.
PATIENCE, PAUSE = 90.0, 0.005


@dataclass(frozen=True, slots=True)
class Ready:
    """Seconds since `up` was called."""

    connected: float
    healthy: float


@dataclass(frozen=True, slots=True)
class Readiness:
    services: dict[str, Ready]
    up: float  # until `up -d --wait` was back


def copy_images(place: Workplace, source: Path) -> bool:
    """Take the example's images from another COMPOSER_ROOT; False when it does not have them all."""
    other = Places(source, place.places.run / "from")
    found = ImageStore(other)
    if not all(found.find(name) for name in IMAGES):
        return False
    for name in IMAGES:
        stream(["skopeo", "copy", "--quiet", _reference(other, name), _reference(place.places, name)], lambda _line: None,
               error=ImageError, unshare_mounts=True)
    return True


def _reference(places: Places, name: str) -> str:
    return f"containers-storage:[overlay@{places.images}+{places.image_runroot}]{name}"


def measure(place: Workplace) -> Readiness:
    """One `up -d --wait` of the example with an empty database volume, while each service's port is tried from the project's namespace."""
    composer = place.project("mvc")
    shutil.copytree(REPOSITORY / "examples/mvc", composer.folder, dirs_exist_ok=True)
    (composer.folder / "db_password.txt").write_text("measured")
    project = place.places.project(project_hash("mvc", str(composer.folder)))
    begun = time.time()
    with ThreadPoolExecutor(len(WATCHED)) as pool:
        watches = {name: pool.submit(first_connection, project, name, port, begun + PATIENCE) for name, port in WATCHED.items()}
        done = composer("--progress", "json", "up", "-d", "--wait", timeout=PATIENCE, env={"MVC_PORT": str(free_port())})
        connected = {name: watch.result() - begun for name, watch in watches.items()}
    healthy = healthy_moments(done.said)
    composer("down", "-v", "-t", "1", timeout=PATIENCE)
    return Readiness({name: Ready(connected[name], healthy[name] - begun) for name in WATCHED}, done.seconds)


def healthy_moments(output: str) -> dict[str, float]:
    """Service -> when it was first told to be healthy, from lines of `--progress json`."""
    moments: dict[str, float] = {}
    for line in output.splitlines():
        event = json.loads(line)
        if event["action"] == "healthy":
            service = event.get("service") or event["subject"].partition("/")[2].partition(" ")[0]
            moments[service] = min(event["at"], moments.get(service, event["at"]))
    return moments


def first_connection(project: ProjectPlaces, service: str, port: int, deadline: float) -> float:
    """When the service's port first took a TCP connection."""
    address = _until(deadline, lambda: _address(project, service))
    namespace = Namespace(project.netns)
    return namespace.run(lambda: _until(deadline, partial(_connect, address, port)))


def _until(deadline: float, look: Callable[[], T | None]) -> T:
    while (found := look()) is None:
        assert time.time() < deadline, "the watched port did not open"
        time.sleep(PAUSE)
    return found


def _address(project: ProjectPlaces, service: str) -> str | None:
    """As soon as the container runs. Earlier tries would make the kernel wait a second between its questions for the MAC address."""
    ends = [end for one in read_containers(project) if one.service == service and one.status == "running" for end in one.endpoints]
    return ends[0].address.partition("/")[0] if ends else None


def _connect(address: str, port: int) -> float | None:
    with suppress(OSError), socket.create_connection((address, port), timeout=0.2):
        return time.time()
    return None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])
