"""What composer.host.Images promises, kept by the fake and by containers/storage with buildah alike."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from composer.errors import ImageError
from composer.host import Images as Driver
from composer.images.driver import ImageStore
from composer.model.build import Build
from composer.store import Places, write_json
from tests.fakes import FakeImages

TOOLS = os.geteuid() == 0 and all(map(shutil.which, ("buildah", "skopeo", "busybox")))
DRIVERS = ["fake", pytest.param("real", marks=pytest.mark.skipif(not TOOLS, reason="needs root, buildah, skopeo and busybox-static"))]


@dataclass
class Bench:
    driver: Driver
    build: Build
    use: Callable[[str], None]  # a container stands on an image id from now on
    drop: Callable[[], None]


@pytest.fixture(params=DRIVERS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "file").write_text("x")
    build = Build(context=str(tmp_path / "context"), dockerfile_inline="FROM scratch\nCOPY file /file\n")
    if request.param == "fake":
        used: list[str] = []
        yield Bench(
            FakeImages(users=lambda id_: ["container shop-web-1 of project shop"] * used.count(id_)), build, used.append, used.clear
        )
        return
    places = Places(tmp_path / "root", tmp_path / "run")
    record = places.project("contract").container("c1").record

    def use(id_: str) -> None:
        write_json(record, {"name": "shop-web-1", "image_id": id_, "labels": {"com.docker.compose.project": "shop"}})

    yield Bench(ImageStore(places), build, use, record.unlink)


class TestImages:
    def test_an_image_that_is_not_there_is_none(self, bench: Bench) -> None:
        """By name and by id; removing it is fine."""
        assert bench.driver.find("nothing") is None
        assert bench.driver.find("0" * 64) is None
        assert bench.driver.age("nothing") is None
        bench.driver.remove("nothing")

    def test_a_built_image_is_found_used_and_removed(self, bench: Bench) -> None:
        """By its name and its id; progress is told; never removed under a container; gone when removed."""
        lines: list[str] = []
        built = bench.driver.build(bench.build, "docker.io/library/contract:1", lines.append)
        assert lines
        assert bench.driver.age("docker.io/library/contract:1") == pytest.approx(0, abs=60)
        assert bench.driver.find("docker.io/library/contract:1") == bench.driver.find(built.id) == built
        bench.use(built.id)
        with pytest.raises(ImageError, match="container shop-web-1 of project shop"):
            bench.driver.remove("docker.io/library/contract:1")
        assert bench.driver.find(built.id)
        bench.drop()
        for _ in range(2):
            bench.driver.remove("docker.io/library/contract:1")
            assert bench.driver.find(built.id) is None

    def test_what_cannot_be_pulled_is_an_image_error(self, bench: Bench) -> None:
        """Of the driver's own kind, and nothing is in the store after it."""
        with pytest.raises(ImageError):
            bench.driver.pull("127.0.0.1:1/nothing:1", lambda _line: None)
        with pytest.raises(ImageError):
            bench.driver.push("127.0.0.1:1/nothing:1", lambda _line: None)
        assert bench.driver.find("127.0.0.1:1/nothing:1") is None
