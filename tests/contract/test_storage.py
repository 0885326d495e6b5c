"""What composer.host.Storage promises, kept by the fake and by folders and mounts alike."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from composer.errors import StorageError
from composer.host import Image, ImageConfig, Rootfs, RootfsRequest
from composer.host import Storage as Driver
from composer.model.mounts import FileSource, Grant, Mount, Volume
from composer.model.service import Service
from composer.observed import VolumeState
from composer.storage.driver import LocalStorage
from composer.store import Places, ProjectPlaces, write_json
from tests.fakes import FakeStorage
from tests.mount_namespace import in_mount_namespace

DRIVERS = ["fake", pytest.param("real", marks=pytest.mark.skipif(os.geteuid() != 0, reason="needs root"))]


@dataclass
class Bench:
    driver: Driver
    places: ProjectPlaces
    layer: Path

    def request(self, **service: Any) -> RootfsRequest:
        more = {key: service.pop(key, {}) for key in ("secrets_known", "volumes_known")}
        image = Image("i", ("web",), (self.layer,), ImageConfig())
        return RootfsRequest(
            "c1", Service(name="web", image="web", **service), image, "host", (), more["volumes_known"], more["secrets_known"], {}
        )

    def prepared(self, request: RootfsRequest) -> Rootfs:
        return in_mount_namespace(lambda: self.driver.prepare(request)) if os.geteuid() == 0 else self.driver.prepare(request)


@pytest.fixture(params=DRIVERS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    places = Places(tmp_path / "root", tmp_path / "run").project("contract")
    (tmp_path / "layer").mkdir()
    driver: Driver = FakeStorage(places=places) if request.param == "fake" else LocalStorage(places)
    yield Bench(driver, places, tmp_path / "layer")


class TestStorage:
    def test_volumes_are_made_and_removed_any_number_of_times(self, bench: Bench) -> None:
        """`volumes` says what is there, by name."""
        state = VolumeState("shop_data", "data", "mark", {"a": "b"})
        assert bench.driver.volumes() == {}
        for _ in range(2):
            bench.driver.create_volume(state, Volume(key="data", name="shop_data"))
            assert bench.driver.volumes() == {"shop_data": state}
        for _ in range(2):
            bench.driver.remove_volume("shop_data")
            assert bench.driver.volumes() == {}

    def test_a_volume_that_is_there_stays_as_it_is(self, bench: Bench) -> None:
        """It holds data: another definition does not change it."""
        bench.driver.create_volume(VolumeState("v", "v", "old"))
        bench.driver.create_volume(VolumeState("v", "v", "new"))
        assert bench.driver.volumes()["v"].fingerprint == "old"

    def test_an_external_volume_has_to_be_there(self, bench: Bench) -> None:
        """It is nobody's to make."""
        with pytest.raises(StorageError, match=r"volumes\.data: external volume other does not exist"):
            bench.driver.create_volume(VolumeState("other", "data", ""), Volume(key="data", name="other", external=True))
        assert bench.driver.volumes() == {}

    def test_a_missing_source_is_refused_before_anything_is_touched(self, bench: Bench, tmp_path: Path) -> None:
        """A bind that must not be made, a secret's file."""
        bind = Mount(type="bind", source=str(tmp_path / "none"), target="/x", create_host_path=False)
        with pytest.raises(StorageError, match=r"services\.web\.volumes: .*none does not exist"):
            bench.driver.check(bench.request(volumes=(bind,)))
        secret = {"key": FileSource(key="key", name="key", file=str(tmp_path / "none"))}
        with pytest.raises(StorageError, match=r"secrets\.key"):
            bench.driver.check(bench.request(secrets=(Grant(source="key", target="/k"),), secrets_known=secret))
        bench.driver.check(bench.request(volumes=(bind.model_copy(update={"create_host_path": True}),)))
        assert not (tmp_path / "none").exists()

    def test_digests_change_with_what_is_held(self, bench: Bench) -> None:
        """And do not show it."""
        one, other = (bench.driver.digests({"configs/c": FileSource(key="c", name="c", content=text)}) for text in ("hidden", "other"))
        assert set(one) == {"configs/c"}
        assert one != other
        assert one == bench.driver.digests({"configs/c": FileSource(key="c", name="c", content="hidden")})
        assert "hidden" not in str(one)

    def test_a_container_is_prepared_and_removed_with_its_folder(self, bench: Bench) -> None:
        """Record, upper folder, log; removing twice is fine."""
        write_json(bench.places.container("c1").record, {"id": "c1"})
        assert bench.prepared(bench.request()).uid == 0
        for _ in range(2):
            bench.driver.remove_container("c1")
            assert not bench.places.container("c1").folder.exists()
