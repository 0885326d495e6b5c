"""A real Docker engine (Debian's docker.io) in an enclosure, with a store of its own."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from composer.images.tools import skopeo_target
from composer.store import Places
from tests.enclosure import Enclosure, enclosure, remove_groups
from tests.eventually import eventually

PROGRAM = shutil.which("dockerd")
#: Seconds until it answers.
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Engine:
    """`host` is what DOCKER_HOST names it."""

    host: str
    enclosure: Enclosure

    def give(self, places: Places, image: str) -> None:
        """Copy an image of composer's store into the engine's."""
        copy = ["skopeo", "copy", "--quiet", "--dest-daemon-host", self.host, skopeo_target(places, image), f"docker-daemon:{image}"]
        subprocess.run(["unshare", "--mount", "--propagation=slave", *copy], check=True, capture_output=True)


@contextmanager
def dockerd(folder: Path) -> Iterator[Engine]:
    """`folder` is made, and holds all of the engine's state; its cgroups are gone at the end."""
    assert PROGRAM
    folder.mkdir(parents=True)
    config, socket, group = folder / "daemon.json", folder / "docker.sock", f"dockerd-{secrets.token_hex(3)}"
    config.write_text(json.dumps({"data-root": str(folder / "data"), "hosts": [f"unix://{socket}"], "cgroup-parent": f"/{group}",
                                  "bridge": "none"}))
    try:
        with enclosure() as place, (folder / "log").open("w") as log:
            argv = place.argv(PROGRAM, f"--config-file={config}")
            with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as engine:
                try:
                    eventually(lambda: _answers(socket, engine), timeout=PATIENCE)
                    yield Engine(f"unix://{socket}", place)
                finally:
                    engine.kill()  # nsenter; the engine itself ends with the enclosure
    finally:
        remove_groups(group)


def _answers(socket: Path, engine: subprocess.Popen[bytes]) -> bool:
    assert engine.poll() is None, "dockerd has ended"
    question = ["curl", "--silent", "--fail", "--max-time", "2", "--unix-socket", str(socket), "http://docker/_ping"]
    return subprocess.run(question, capture_output=True, check=False).returncode == 0
