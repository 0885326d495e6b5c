"""State on a disk that is full: the supervisor lives, and goes on when there is room again."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from composer.store import Places
from tests.command_line import Composer
from tests.e2e.conftest import make_images
from tests.eventually import eventually
from tests.records import is_alive, keepers, kill, pid_of, record


@pytest.fixture
def small(places: Places, tmp_path: Path) -> Iterator[Composer]:
    """A project whose state is on a file system of 24 MiB."""
    root = tmp_path / "root"
    root.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", root], check=True)
    try:
        own = Places(root, places.run)
        make_images(own, "busybox", other=places.root)
        folder = tmp_path / "shop"
        folder.mkdir()
        composer = Composer(folder, own)
        try:
            yield composer
        finally:
            (root / "filler").unlink(missing_ok=True)
            composer.clear()
    finally:
        subprocess.run(["umount", "--lazy", root], check=True)


def fill(root: Path) -> None:
    with (root / "filler").open("wb", buffering=0) as file:
        for size in (1 << 16, 512, 1):
            try:
                while file.write(b"x" * size):
                    pass
            except OSError:
                continue
    assert shutil.disk_usage(root).free < 4096


def test_a_full_disk_is_survived(small: Composer) -> None:
    """Health, an end and a restart wait for room; `ps` works, a command that needs room says so in one line."""
    small.write("""
        services:
          web: {image: busybox, command: [sleep, infinity], restart: always}
          sick:
            image: busybox
            command: [sleep, infinity]
            volumes: ["./seen:/seen"]
            x-composer: {ready: {file: /seen/well, interval: 100ms, retries: 2}}
    """)
    (small.folder / "seen").mkdir()
    small("up", "-d")
    supervisor, first = keepers(small)["supervisor"], pid_of(small, "shop-web-1")
    fill(small.places.root)
    (small.folder / "seen/well").touch()
    kill(first)
    refused = small("up", "-d", "--force-recreate", "sick", code=None)
    assert refused.code == 1
    assert "No space left on device" in refused.err
    assert "Traceback" not in refused.said
    assert small("ps", "-a").out
    assert is_alive(supervisor)

    (small.places.root / "filler").unlink()
    eventually(lambda: record(small, "shop-web-1").status == "running" and pid_of(small, "shop-web-1") != first)
    assert keepers(small)["supervisor"] == supervisor
    small("up", "-d", "--wait")
    assert record(small, "shop-sick-1").health == "healthy"


def test_the_folder_of_a_log_is_removed(composer: Composer) -> None:
    """Somebody cleans up too much: the container runs on, the supervisor lives, `up --force-recreate` mends it."""
    composer.write("""
        services:
          web:
            image: busybox
            command: [sh, -c, "while :; do echo x; usleep 20000; done"]
            logging: {options: {max-size: 1k}}
            x-composer: {ready: {log: x, interval: 100ms}}
    """)
    composer("up", "-d", "--wait")
    (project,) = composer.projects()
    supervisor = keepers(composer)["supervisor"]
    for path in project.containers.glob("*/container.log*"):
        path.unlink()
    composer("logs", "web")
    project.log.unlink()
    composer("restart", "-t", "0", "web")
    eventually(lambda: record(composer, "shop-web-1").health == "healthy")
    assert composer("logs", "--tail", "1", "--no-log-prefix", "web").out == "x\n"
    assert "restart took" in composer("logs", "--supervisor").out
    assert keepers(composer)["supervisor"] == supervisor
