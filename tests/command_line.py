"""The real command line, run in a project folder with a state of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

from composer.store import Places, ProjectPlaces
from tests.rescue import remove_by_force


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended. `seconds` is wall time."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def said(self) -> str:
        return self.out + self.err


@dataclass(slots=True)
class Composer:
    """`composer("up", "-d")` runs the command in `folder`, whose compose.yaml `write` makes."""

    folder: Path
    places: Places
    env: dict[str, str] = field(default_factory=dict)
    entering: tuple[str, ...] = ()  # the words in front, for a command that runs in other namespaces

    def __call__(self, *arguments: str, code: int | None = 0, stdin: str = "", env: Mapping[str, str] | None = None,
                 timeout: float = 120) -> Done:
        """Run to the end; the exit code has to be `code`, unless that is None."""
        begun = time.monotonic()
        done = subprocess.run(self.argv(*arguments), input=stdin, capture_output=True, text=True, errors="replace", cwd=self.folder,
                              env=self.environment(env), timeout=timeout, check=False)
        result = Done(done.returncode, done.stdout, done.stderr, time.monotonic() - begun)
        if code is not None and result.code != code:
            raise AssertionError(f"composer {' '.join(arguments)}: exit code {result.code} instead of {code}\n{result.said}")
        return result

    def start(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start it and leave it running, stdout and stderr as one pipe; the caller ends it."""
        return subprocess.Popen(self.argv(*arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True, errors="replace", cwd=self.folder, env=self.environment(env))

    def argv(self, *arguments: str) -> list[str]:
        return [*self.entering, sys.executable, "-m", "composer", *arguments]

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        own = {"COMPOSER_ROOT": str(self.places.root), "COMPOSER_RUN": str(self.places.run), **self.env, **(extra or {})}
        # The developer's own settings must not decide what a test sees.
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("COMPOSE_", "DOCKER_"))}
        return {**kept, **own}

    def write(self, compose: str, *, name: str = "compose.yaml") -> Path:
        """Write a file of the project, indented as the test's source needs it; its folder is made."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(compose))
        return path

    def ps(self, *services: str) -> list[dict[str, Any]]:
        """`ps -a --format json`: one object a line."""
        return [json.loads(line) for line in self("ps", "-a", "--format", "json", *services).out.splitlines()]

    def inside(self, service: str, *command: str) -> str:
        """What a command prints in the service's first container."""
        return self("exec", "-T", service, *command).out

    def clear(self) -> None:
        """Take the project away, whatever state its file and its containers are in; by force, and as a failure, if `down` cannot."""
        known = self.projects()
        if not known:
            return
        done = self("down", "-v", "-t", "0", "--remove-orphans", code=None)
        if done.code:  # the test may have left a file that cannot be loaded, or none
            self.write("services: {nobody: {image: busybox, scale: 0}}")
            done = self("down", "-v", "-t", "0", "--remove-orphans", code=None)
        left = [project for project in known if project.state.exists() or project.run.exists()]
        for project in left:
            remove_by_force(project)
        assert not left, f"down left {', '.join(project.hash for project in left)}\n{done.said}"

    def projects(self) -> list[ProjectPlaces]:
        """The projects that have state or run folders and were brought up from `folder`."""
        return [project for project in self.places.projects() if self._ours(project.project_file)]

    def _ours(self, file: Path) -> bool:
        return not file.exists() or str(self.folder) in file.read_text()
