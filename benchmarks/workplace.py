"""Folders of the benchmark's own for state, images and projects; nothing of them is left at the end."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from composer.store import Places, remove_tree
from tests.command_line import Composer

REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Workplace:
    top: Path
    places: Places
    projects: list[Composer] = field(default_factory=list)

    def project(self, name: str) -> Composer:
        """The command line in a new, empty project folder."""
        folder = self.top / "work" / name
        folder.mkdir(parents=True)
        self.projects.append(Composer(folder, self.places))
        return self.projects[-1]

    def make_images(self, *names: str) -> None:
        """Put images into the store; the first time they are made for the checkout's cache, which later runs and the tests share."""
        cache = REPOSITORY / ".cache/composer"
        _make("--root", str(cache), "--run", str(self.places.run / "cache"), *names)
        _make("--root", str(self.places.root), "--run", str(self.places.run), "--from", str(cache), *names)


def _make(*arguments: str) -> None:
    subprocess.run([sys.executable, str(REPOSITORY / "examples/images/make.py"), *arguments], check=True, timeout=300, stdout=sys.stderr)


@contextmanager
def workplace() -> Iterator[Workplace]:
    """The run folder's path is short: a container's attach socket below it has 92 characters more, and a socket's path may have 107."""
    tag = secrets.token_hex(3)
    top, run = Path(f"/var/tmp/cb-{tag}"), Path(f"/run/cb-{tag}")
    made = Workplace(top, Places(top / "root", run))
    try:
        yield made
    finally:
        for project in made.projects:
            project.clear()
        remove_tree(top)
        remove_tree(run)
