"""`composer ls`: the projects of this machine, from their state files."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from composer.commands.ps import containers
from composer.errors import UsageError
from composer.observed import Container
from composer.plan.labels import PREFIX
from composer.store import Places, ProjectPlaces, read_json


@dataclass(frozen=True, slots=True)
class ProjectEntry:
    """`status`: `exited(1), running(2)`."""

    name: str
    status: str
    config_files: str


def ls(places: Places, *, everything: bool, filters: tuple[str, ...]) -> list[ProjectEntry]:
    """Projects with a container that runs; with `everything` all that have containers or are brought up. A filter is `name=REGEX`."""
    patterns = [_pattern(text) for text in filters]
    entries = [entry for project in places.projects() if (entry := _entry(project, everything=everything))]
    return sorted((one for one in entries if all(pattern.search(one.name) for pattern in patterns)), key=lambda one: one.name)


def _entry(project: ProjectPlaces, *, everything: bool) -> ProjectEntry | None:
    there = containers(project)
    shown = [one for one in there if everything or one.status in ("running", "paused")]
    stored = read_json(project.project_file) or {}
    if not shown and not (everything and stored):
        return None
    name = stored.get("name") or _label(there, "project")
    files = _label(there, "project.config_files") or ",".join(stored.get("config_files", ()))
    counts = Counter(one.status for one in shown)
    return ProjectEntry(name, ", ".join(f"{status}({count})" for status, count in sorted(counts.items())), files)


def _label(there: tuple[Container, ...], key: str) -> str:
    return next((value for one in there if (value := one.labels.get(PREFIX + key))), "")


def _pattern(text: str) -> re.Pattern[str]:
    key, _, value = text.partition("=")
    if key != "name" or not value:
        raise UsageError(f"--filter {text}: only name=REGEX is known")
    try:
        return re.compile(value)
    except re.error as wrong:
        raise UsageError(f"--filter {text}: {wrong}") from wrong
