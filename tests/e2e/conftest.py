"""Fixtures of the end-to-end tests: one image store for the session, a project folder for each test."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from composer.store import Places, remove_tree
from tests.command_line import Composer
from tests.machine import Machine
from tests.machine import machine as make_machine

REPOSITORY = Path(__file__).resolve().parents[2]
#: Images are made once a checkout; each session works on a copy.
CACHE = Places(REPOSITORY / ".cache/composer", Path(f"/run/ct-{zlib.crc32(bytes(REPOSITORY)):08x}"))


def make_images(places: Places, *images: str, other: Path | None = None) -> None:
    source = ["--from", str(other)] if other else []
    where = ["--root", places.root, "--run", places.run, *source]
    subprocess.run([sys.executable, REPOSITORY / "examples/images/make.py", *where, *images], check=True)


def copy_store(source: Path, target: Path) -> None:
    """Layers never change once written, so that hard links do; locks must not be shared."""
    target.parent.mkdir(parents=True)
    linked = subprocess.run(["cp", "-al", source, target], capture_output=True, check=False)
    if linked.returncode:  # another file system
        shutil.rmtree(target, ignore_errors=True)
        subprocess.run(["cp", "-a", source, target], check=True)
    for lock in [*target.glob("*.lock"), *target.glob("*/*.lock")]:
        lock.unlink()


@pytest.fixture(scope="session")
def places() -> Iterator[Places]:
    """A state of the session's own, with busybox in its image store.

    The run folder's path is short: a container's attach socket below it has 92 characters more, and a socket's path may have 107.
    """
    tag = secrets.token_hex(3)
    own = Places(Path(f"/var/tmp/ct-{tag}"), Path(f"/run/ct-{tag}"))
    make_images(CACHE, "busybox")
    try:
        copy_store(CACHE.images, own.images)
        yield own
    finally:
        for folder in (own.root, own.run, CACHE.run):
            remove_tree(folder)


@pytest.fixture(scope="session")
def demo_images(places: Places) -> None:
    """The images of examples/mvc are in the session's store; makes them the first time, which takes a minute."""
    make_images(CACHE, "debian", "postgres", "nginx")
    make_images(places, "debian", "postgres", "nginx", other=CACHE.root)


@pytest.fixture
def project(places: Places, tmp_path: Path) -> Iterator[Callable[..., Composer]]:
    """A factory of project folders; each project is taken down at the end, whatever happened."""
    made: list[Composer] = []

    def make(name: str = "shop", folder: Path | None = None) -> Composer:
        if folder is None:
            folder = tmp_path / name
            folder.mkdir()
        made.append(Composer(folder, places))
        return made[-1]

    yield make
    for composer in reversed(made):
        composer.clear()


@pytest.fixture
def composer(project: Callable[..., Composer]) -> Composer:
    """The command line in an empty project folder called `shop`."""
    return project()


@pytest.fixture(autouse=True)
def no_settings_of_the_developer(monkeypatch: pytest.MonkeyPatch) -> None:
    """COMPOSE_FILE and the like in the environment would reach the library calls that a test makes itself."""
    for name in [name for name in os.environ if name.startswith(("COMPOSE_", "COMPOSER_"))]:
        monkeypatch.delenv(name)


@pytest.fixture
def machine(project: Callable[..., Composer], tmp_path: Path) -> Iterator[Machine]:
    """A machine with a network, packet rules and resolv.conf of its own; its projects are taken down before it goes."""
    projects: list[Composer] = []

    def make(name: str) -> Composer:
        projects.append(project(name))
        return projects[-1]

    with make_machine(tmp_path, make) as made:
        yield made
        for composer in reversed(projects):
            composer.clear()
