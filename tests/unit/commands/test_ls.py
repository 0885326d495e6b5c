"""`ls` on state files."""

from __future__ import annotations

from pathlib import Path

import pytest

from composer.commands.ls import ProjectEntry, ls
from composer.errors import UsageError
from composer.observed import Container, Process, Status
from composer.runtime.signals import identify
from composer.store import Places, write_json


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "root", tmp_path / "run")


def me() -> Process:
    import os

    found = identify(os.getpid())
    assert found
    return found


def add(places: Places, project: str, name: str, status: Status, process: Process | None = None) -> None:
    labels = {"com.docker.compose.project": project, "com.docker.compose.project.config_files": f"/{project}.yaml"}
    one = Container(name, name, "web", 1, status=status, process=process, labels=labels)
    write_json(places.project(project).container(name).record, one.to_json())


def test_projects_are_counted_by_what_is_proven(places: Places) -> None:
    """A record that says "running" of a process that is gone counts as ended; projects are in order of their names."""
    add(places, "b", "one", "running", me())
    add(places, "b", "two", "paused", me())
    add(places, "b", "three", "running", Process(1, 0, "another boot"))
    add(places, "a", "four", "exited")
    write_json(places.project("c").project_file, {"name": "empty", "config_files": ["/x.yaml", "/y.yaml"]})
    assert ls(places, everything=False, filters=()) == [ProjectEntry("b", "paused(1), running(1)", "/b.yaml")]
    assert ls(places, everything=True, filters=()) == [
        ProjectEntry("a", "exited(1)", "/a.yaml"),
        ProjectEntry("b", "exited(1), paused(1), running(1)", "/b.yaml"),
        ProjectEntry("empty", "", "/x.yaml,/y.yaml"),
    ]


def test_names_are_filtered(places: Places) -> None:
    """By a regular expression; other filters are not known."""
    add(places, "shop", "one", "exited")
    assert [one.name for one in ls(places, everything=True, filters=("name=^sh",))] == ["shop"]
    assert ls(places, everything=True, filters=("name=^sh", "name=x")) == []
    for wrong in ("status=running", "name=", "name=("):
        with pytest.raises(UsageError, match="--filter"):
            ls(places, everything=True, filters=(wrong,))


def test_a_machine_without_projects(places: Places) -> None:
    """No folder yet."""
    assert ls(places, everything=True, filters=()) == []
