"""Which containers of other projects a shared network has, by their records."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from composer.observed import Container, Endpoint, Process
from composer.store import Places, ProjectPlaces, write_json
from composer.supervisor.neighbours import Neighbours

END = Endpoint(network="default", interface="eth0", peer="", address="10.211.0.2/24", gateway="", mac="")


def any_of(_container: Container, _end: Endpoint) -> bool:
    return True


def a_container(name: str, pid: int) -> Container:
    return Container(id=name * 8, name=name, service=name, number=1, status="running", process=Process(pid, 1, "boot"), endpoints=(END,))


def record(project: ProjectPlaces, container: Container) -> None:
    write_json(project.container(container.id).record, container.to_json())


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Project "other" is on the network "shared" by its default network, and so is "own"."""
    found = Places(tmp_path / "root", tmp_path / "run")
    for hash_ in ("own", "other"):
        write_json(found.network("shared").members / hash_, {"key": "default"})
        for number, name in enumerate(("web", "db", "job"), 1):
            record(found.project(hash_), a_container(name, number))
    return found


def test_only_those_that_are_wanted_are_asked_whether_they_live(places: Places) -> None:
    """It costs more than all the rest, and each name that is asked for pays it."""
    asked: list[int] = []

    def alive(process: Process) -> bool:
        asked.append(process.pid)
        return True

    found = list(Neighbours(places.project("own"), alive)("shared", lambda container, _end: container.name == "db"))
    assert [(container.name, end.network) for container, end in found] == [("db", "default")]
    assert asked == [2]


def test_a_record_may_be_older_than_its_container_s_end(places: Places) -> None:
    """Who is recorded as ended, or is not alive, is nobody's neighbour; nor is one's own."""
    neighbours = Neighbours(places.project("own"), lambda process: process.pid != 3)
    assert {container.name for container, _ in neighbours("shared", any_of)} == {"web", "db"}
    record(places.project("other"), replace(a_container("web", 1), status="exited"))
    assert {container.name for container, _ in neighbours("shared", any_of)} == {"db"}
    assert not list(neighbours("absent", any_of))
