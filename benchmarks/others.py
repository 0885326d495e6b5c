"""docker compose and podman-compose on the same file, where they are installed."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.idle import IMAGE, PATIENCE
from benchmarks.times import ACTIONS, Times
from composer.store import Places


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    command: tuple[str, ...]
    engine: str  # the program that has the images

    def installed(self) -> bool:
        """Whether command and engine are there and answer."""
        if not shutil.which(self.engine) or not shutil.which(self.command[0]):
            return False
        tries = ([*self.command, "version"], [self.engine, "info"])
        return all(subprocess.run(argv, capture_output=True, timeout=PATIENCE, check=False).returncode == 0 for argv in tries)

    def round(self, folder: Path, size: int, times: Times) -> None:
        """One life of the project in `folder`."""
        for action, arguments in ACTIONS.items():
            begun = time.monotonic()
            subprocess.run([*self.command, *arguments], cwd=folder, capture_output=True, timeout=PATIENCE, check=True)
            times.add(self.name, action, size, time.monotonic() - begun)

    @contextmanager
    def with_image(self, places: Places, archive: Path) -> Iterator[None]:
        """The image is in the engine's store for as long as the block runs, or stays if it was there before."""
        known = subprocess.run([self.engine, "image", "inspect", IMAGE], capture_output=True, check=False).returncode == 0
        if not known:
            source = f"containers-storage:[overlay@{places.images}+{places.image_runroot}]{IMAGE}"
            unshared = ["unshare", "--mount", "--propagation", "slave"]
            subprocess.run([*unshared, "skopeo", "copy", "--quiet", source, f"docker-archive:{archive}:{IMAGE}"], check=True)
            subprocess.run([self.engine, "load", "--quiet", "--input", archive], capture_output=True, check=True)
        try:
            yield
        finally:
            if not known:
                subprocess.run([self.engine, "rmi", IMAGE], capture_output=True, check=False)
                archive.unlink()


TOOLS = (Tool("docker compose", ("docker", "compose"), "docker"), Tool("podman-compose", ("podman-compose",), "podman"))
