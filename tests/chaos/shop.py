"""The project that is hurt: dependencies, a health check, a job, a build, a published port, a volume whose writer numbers its lines."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from composer.store import ProjectPlaces, project_hash
from tests.command_line import Composer

COMPOSE = """
    services:
      db:
        image: busybox
        command: [sh, -c, "n=$$(tail -n 1 /data/lines 2>/dev/null); while :; do n=$$((n+1)); echo $$n >> /data/lines; usleep 50000; done"]
        volumes: ["data:/data"]
        healthcheck: {{test: [CMD, test, -s, /data/lines], interval: 2s}}
      job: {{image: busybox, command: ["true"]}}
      web:
        image: busybox
        command: [sh, -c, "echo $$COLOUR > /tmp/index.html; exec httpd -f -p 80 -h /tmp"]
        environment: {{COLOUR: "${{COLOUR}}"}}
        ports: ["127.0.0.1:{port}:80"]
        depends_on: {{db: {{condition: service_healthy}}, job: {{condition: service_completed_successfully}}}}
      again: {{image: busybox, command: [sleep, infinity], restart: always, depends_on: [web]}}
      built: {{build: built, command: [sleep, infinity], environment: {{COLOUR: "${{COLOUR}}"}}}}
      client:
        image: busybox
        command: [sh, -c, "trap 'exit 0' TERM; while :; do sleep 1 & wait; done"]
    volumes: {{data: {{}}}}
"""
RUNNING = {"db", "web", "again", "built", "client"}


@dataclass(slots=True)
class Shop:
    composer: Composer
    port: int
    colour: int = 0
    lines: int = 0  # in the volume, when last looked at

    def write(self) -> None:
        self.composer.write(COMPOSE.format(port=self.port))
        self.change()

    def change(self) -> None:
        """Another configuration of `web` and `built`, and another folder to build from."""
        self.colour += 1
        self.composer.write(f"COLOUR=colour-{self.colour}\n", name=".env")
        self.composer.write("FROM busybox\nCOPY page /page\n", name="built/Dockerfile")
        self.composer.write(f"{self.colour}\n", name="built/page")

    @property
    def hash(self) -> str:
        return project_hash(self.composer.folder.name, str(self.composer.folder))

    @property
    def places(self) -> ProjectPlaces:
        return self.composer.places.project(self.hash)

    def page(self) -> str:
        """What the published port answers."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=2) as answer:
            return str(answer.read().decode().strip())

    def check_volume(self) -> None:
        """The lines are 1, 2, 3... and not fewer than before: none lost, none doubled, none torn. The last may be in the writing."""
        text = self._file().read_text()
        lines = text.split("\n")[:-1]
        wrong = next((place for place, line in enumerate(lines, 1) if line != str(place)), None)
        assert wrong is None, f"line {wrong} of the volume: {lines[max(0, wrong - 3):wrong + 2]}"
        assert len(lines) >= self.lines, f"the volume had {self.lines} lines and has {len(lines)}"
        self.lines = len(lines)

    def _file(self) -> Path:
        found = [path for record in self.places.volumes.glob("*/volume.json") if json.loads(record.read_text())["key"] == "data"
                 for path in [record.parent / "_data/lines"]]
        assert len(found) == 1, f"{len(found)} volumes called `data`"
        return found[0]
