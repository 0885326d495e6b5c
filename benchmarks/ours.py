"""composer's own command line with idle services."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks import memory
from benchmarks.bench import Bench
from benchmarks.readings import Readings
from benchmarks.times import ACTIONS, COMPOSER
from benchmarks.work import PATIENCE, compose_file
from benchmarks.workplace import Workplace
from tests.command_line import Composer


@dataclass(frozen=True, slots=True)
class Ours:
    place: Workplace
    projects: dict[int, Composer] = field(default_factory=dict)
    name: str = COMPOSER
    least: int = 3

    def round(self, size: int, readings: Readings) -> None:
        composer = self._project(size)
        for action, arguments in ACTIONS.items():
            if action == "down":
                self._look(composer, size, readings)
            readings.times.add(self.name, action, size, composer(*arguments, timeout=PATIENCE).seconds)

    def _project(self, size: int) -> Composer:
        if size not in self.projects:
            self.projects[size] = self.place.project(f"idle{size}")
            self.projects[size].write(compose_file(size))
        return self.projects[size]

    def _look(self, composer: Composer, size: int, readings: Readings) -> None:
        """While the services are up, untimed."""
        (project,) = composer.projects()
        readings.memory[self.name, size] = memory.of_project(project)


def warm_up(bench: Bench) -> None:
    """Fills the caches, and has crun compile the filter that the floor uses as well."""
    Ours(bench.place).round(2, Readings((2,)))
