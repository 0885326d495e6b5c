"""One reading of the machine: records are believed only with proof."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from composer.engine.observe import observe, proven
from composer.model.mounts import Mount
from composer.observed import Observed, Process
from tests.builders import container, network_state, project, service
from tests.stage import Stage, perform, stage

WEB = project(service("web", on=["front"]))
GONE = Process(1, 1, "an earlier boot")


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path, "web:1") as built:
        yield built


def test_an_empty_machine(made: Stage) -> None:
    """Only the images are there."""

    async def play() -> None:
        image = made.fake.images.find("web:1")
        assert image
        assert made.observe(WEB) == Observed(images={"web:1": image.id})
        assert made.observe(None) == Observed()

    perform(made, play())


def test_what_up_made_is_seen(made: Stage) -> None:
    """Sandbox, networks, containers; from the records in memory and from those on disk alike."""

    async def play() -> None:
        await made.up(WEB)
        seen = made.observe(WEB)
        assert (seen.sandbox, set(seen.networks), [one.status for one in seen.containers]) == (True, {"front"}, ["running"])
        assert observe(made.scene.places, made.fake.host, WEB) == seen

    perform(made, play())


def test_a_network_whose_bridge_is_gone_is_not_there(made: Stage) -> None:
    """A record alone is no network."""

    async def play() -> None:
        await made.up(WEB)
        made.fake.network.networks.clear()
        assert made.observe(WEB).networks == {}
        made.scene.records.put_network(network_state(WEB, "front"))
        made.fake.network.sandbox = False
        assert made.observe(WEB).networks == {}

    perform(made, play())


@pytest.mark.parametrize(
    ("status", "expected"), [("running", "exited"), ("paused", "exited"), ("created", "created"), ("exited", "exited")]
)
def test_a_process_that_is_gone_is_not_believed(made: Stage, status: str, expected: str) -> None:
    """After a reboot, or when everything was killed."""
    found = proven(container(WEB, "web", status=status, process=GONE), made.fake.host)
    assert found.status == expected


def test_what_is_behind_binds_is_looked_at(made: Stage, tmp_path: Path) -> None:
    """Folder, file, or nothing: it decides when a container may be created."""
    (tmp_path / "file").touch()
    names = {"root": "folder", "file": "file", "none": "missing"}
    (tmp_path / "root").mkdir(exist_ok=True)
    binds = tuple(Mount(type="bind", source=str(tmp_path / name), target=f"/{name}") for name in names)

    async def play() -> None:
        seen = made.observe(project(service("web", volumes=binds)))
        assert seen.paths == {str(tmp_path / name): kind for name, kind in names.items()}

    perform(made, play())


def test_secrets_are_known_by_a_digest_of_what_they_hold(made: Stage) -> None:
    """Never by their content."""

    async def play() -> None:
        one, other = (made.observe(project(service("web"), secrets={"key": {"content": text}})).contents for text in ("hidden", "other"))
        assert set(one) == {"secrets/key"}
        assert one != other
        assert "hidden" not in str(one)

    perform(made, play())
