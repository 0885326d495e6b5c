"""The store's JSON, read from files made by hand."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from composer.errors import ImageError
from composer.images.driver import ImageStore
from composer.images.store import Store
from composer.images.usage import users
from composer.store import Places, write_json

ID = "a" * 64
OTHER = "ab" * 32
CONFIG = "c" * 64
DIGEST = "sha256:" + "d" * 64


class FakeStore:
    """Writes what buildah would."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.images: list[dict[str, Any]] = []
        self.layers: list[dict[str, Any]] = []

    def layer(self, id_: str, parent: str = "", **more: Any) -> str:
        self.layers.append({"id": id_, **({"parent": parent} if parent else {}), **more})
        return id_

    def image(self, id_: str, layer: str, *names: str, config: dict[str, Any] | None = None) -> None:
        self.images.append({"id": id_, "digest": DIGEST, "names": list(names), "layer": layer, "created": "1970-01-01T00:01:00Z"})
        folder = self.root / "overlay-images" / id_
        folder.mkdir(parents=True)
        (folder / "manifest").write_text(json.dumps({"config": {"digest": f"sha256:{CONFIG}"}}))
        blob = folder / ("=" + base64.b64encode(f"sha256:{CONFIG}".encode()).decode())
        blob.write_text(json.dumps({"config": config or {}}))

    def write(self) -> Store:
        for name, value in (("overlay-images/images.json", self.images), ("overlay-layers/layers.json", self.layers)):
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_suffix(".new")
            draft.write_text(json.dumps(value))
            draft.rename(path)
        return Store(self.root)


@pytest.fixture
def fake(tmp_path: Path) -> FakeStore:
    return FakeStore(tmp_path)


def test_a_store_that_is_not_there_has_no_images(tmp_path: Path) -> None:
    """Before the first build or pull there are no files at all."""
    assert Store(tmp_path / "none").find("nginx") is None


def test_an_image_is_found_by_every_spelling(fake: FakeStore) -> None:
    """Short name, full name, id with and without prefix, beginning of the id, name with digest."""
    fake.image(ID, fake.layer("l1"), "docker.io/library/app:latest")
    store = fake.write()
    for spelling in ("app", "app:latest", "docker.io/library/app", ID, f"sha256:{ID}", ID[:12], f"app@{DIGEST}", f"app:1@{DIGEST}"):
        found = store.find(spelling)
        assert found is not None and found.id == ID, spelling
    for other in ("app:2", "me/app", "f" * 64, "b" * 12, f"other@{DIGEST}", "app@sha256:" + "e" * 64):
        assert store.find(other) is None, other


def test_the_beginning_of_two_ids_is_none(fake: FakeStore) -> None:
    """A short id has to mean exactly one image."""
    fake.image(ID, fake.layer("l1"), "docker.io/library/app:latest")
    fake.image("a" * 63 + "b", "l1", "docker.io/library/b:latest")
    assert fake.write().find("a" * 12) is None


def test_a_name_of_buildahs_own_spelling_is_found(fake: FakeStore) -> None:
    """`buildah -t app` writes localhost/app:latest."""
    fake.image(ID, fake.layer("l1"), "localhost/app:latest")
    found = fake.write().find("app")
    assert found is not None and found.id == ID


def test_layers_come_topmost_first(fake: FakeStore) -> None:
    """Overlayfs wants them so."""
    fake.layer("l1")
    fake.layer("l2", "l1", **{"diff-size": 3})
    fake.layer("l3", "l2", **{"diff-size": 4})
    fake.image(ID, "l3", "docker.io/library/app:latest")
    found = fake.write().find("app")
    assert found is not None
    assert found.layers == tuple(fake.root / "overlay" / name / "diff" for name in ("l3", "l2", "l1"))
    assert found.size == 7
    assert found.created == 60


@pytest.mark.parametrize("flags", [{"incomplete": True}, None])
def test_an_image_with_a_bad_layer_is_not_there(fake: FakeStore, flags: dict[str, bool] | None) -> None:
    """A layer whose unpacking was interrupted, or that is missing, would give a broken container."""
    if flags:
        fake.layer("l1", flags=flags)
    fake.layer("l2", "l1")
    fake.image(ID, "l2", "docker.io/library/app:latest")
    assert fake.write().find("app") is None


def test_a_changed_store_is_read_again(fake: FakeStore) -> None:
    """What was read is kept only for as long as the files are the same ones."""
    fake.image(ID, fake.layer("l1"), "docker.io/library/app:latest")
    store = fake.write()
    first = store.find("app")
    assert first is store.find("app")
    fake.images[0]["names"] = []
    fake.image(OTHER, "l1", "docker.io/library/app:latest")
    fake.write()
    second = store.find("app")
    assert second is not None and second.id == OTHER


def test_a_blob_that_is_missing_is_an_error_in_words(fake: FakeStore) -> None:
    """Somebody deleted files of the store."""
    fake.image(ID, fake.layer("l1"), "docker.io/library/app:latest")
    store = fake.write()
    (fake.root / "overlay-images" / ID / "manifest").unlink()
    with pytest.raises(ImageError, match="lacks"):
        store.find("app")


def test_an_image_in_use_stays(tmp_path: Path) -> None:
    """A record of any project's container holds its image, whatever state the container is in."""
    places = Places(tmp_path, tmp_path / "run")
    fake = FakeStore(places.images)
    fake.image(ID, fake.layer("l1"), "docker.io/library/app:latest")
    fake.write()
    labels = {"com.docker.compose.project": "shop"}
    write_json(places.project("0123").container("c1").record, {"name": "shop-web-1", "image_id": ID, "labels": labels})
    write_json(places.project("4567").container("c2").record, {"name": "other", "image_id": OTHER})
    assert list(users(places, ID)) == ["container shop-web-1 of project shop"]
    with pytest.raises(ImageError, match="app cannot be removed: container shop-web-1 of project shop uses it"):
        ImageStore(places).remove("app")


def test_a_damaged_store_is_an_error_in_words(tmp_path: Path) -> None:
    """Half a file, or one of another kind."""
    places = Places(tmp_path, tmp_path / "run")
    fake = FakeStore(places.images)
    fake.image(ID, fake.layer("l1"), "docker.io/library/app:latest")
    fake.write()
    (places.images / "overlay-images" / ID / "manifest").write_text("{")
    with pytest.raises(ImageError, match="the image store is damaged"):
        ImageStore(places).find("app")
    (places.images / "overlay-images/images.json").write_text("[")
    with pytest.raises(ImageError, match=r"images\.json: not readable"):
        ImageStore(places).find("app")
