"""ImageStore with real registries on loopback: what is copied, how often, and what is said when it cannot be."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from composer.errors import ImageError
from composer.host import Access
from composer.images.digests import pinned
from composer.images.driver import ImageStore
from composer.images.tools import skopeo_target
from composer.model.build import Build
from composer.store import Places
from tests.docker_engine import docker_engine
from tests.registry import PROGRAM, Registry, auth_file, registry

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="buildah needs root"),
    pytest.mark.skipif(not all(map(shutil.which, ("buildah", "skopeo"))), reason="needs buildah and skopeo"),
    pytest.mark.skipif(not PROGRAM, reason="needs docker-registry"),
]
MEGABYTE = 1 << 20
INDEX = "application/vnd.oci.image.index.v1+json"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Registry, Registry]]:
    """An open registry and one with a password, both with `base:1`, `left:1` and `right:1`; the last two stand on the first."""
    top = tmp_path_factory.mktemp("registries")
    maker = ImageStore(Places(top / "root", top / "run"))
    (top / "context").mkdir()
    for name in ("base", "left", "right"):
        (top / "context" / name).write_bytes(os.urandom(4 * MEGABYTE))
    with registry(top / "open") as free, registry(top / "locked", locked=True) as locked:
        for one in (free, locked):
            for name, below in (("base", "scratch"), ("left", f"{one.address}/base:1"), ("right", f"{one.address}/base:1")):
                build = Build(context=str(top / "context"), dockerfile_inline=f"FROM {below}\nCOPY {name} /{name}\nCMD [\"/{name}\"]\n")
                maker.build(build, f"{one.address}/{name}:1", lambda _line: None)
                maker.push(f"{one.address}/{name}:1", lambda _bytes: None, Access(locked.auths))
        yield free, locked


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "root", tmp_path / "run")


@pytest.fixture
def store(places: Places) -> ImageStore:
    """Empty."""
    return ImageStore(places)


def digest_of(name: str) -> str:
    question = ["skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", f"docker://{name}"]
    return subprocess.run(question, capture_output=True, text=True, check=True).stdout.strip()


def quiet(_line: str) -> None:
    """For progress that the test does not look at."""


def test_what_was_pushed_comes_back_with_progress_in_bytes(world: tuple[Registry, Registry], store: ImageStore) -> None:
    """The same configuration and files; the total is known from the first word on and does not change."""
    said: list[str] = []
    image = store.pull(f"{world[0].address}/left:1", said.append)
    assert image.config.command == ("/left",)
    assert {path.name for layer in image.layers for path in layer.iterdir()} == {"base", "left"}
    assert said
    assert {word.partition("/")[2] for word in said} == {"8.39MB"}
    assert store.age(f"{world[0].address}/left:1") == pytest.approx(0, abs=30)
    assert store.age(f"{world[0].address}/right:1") is None


def test_what_is_there_already_is_not_fetched_again(world: tuple[Registry, Registry], store: ImageStore) -> None:
    """The second pull asks for the manifest alone; a neighbour's pull fetches only the layer that is new."""
    free = world[0]
    store.pull(f"{free.address}/left:1", quiet)
    before = free.fetched()
    store.pull(f"{free.address}/left:1", quiet)
    assert free.fetched() == before
    said: list[str] = []
    store.pull(f"{free.address}/right:1", said.append)
    assert len(free.fetched()) == len(before) + 2  # a layer and the configuration
    assert store.age(f"{free.address}/right:1") == pytest.approx(0, abs=30)


def test_two_pulls_at_once_fetch_a_shared_layer_once(world: tuple[Registry, Registry], places: Places) -> None:
    """Also from two processes' stores: the locks are files beside the store."""
    free = world[0]
    before = Counter(free.fetched())
    errors: list[Exception] = []

    def pull(name: str) -> None:
        try:
            ImageStore(places).pull(f"{free.address}/{name}:1", quiet)
        except ImageError as error:
            errors.append(error)

    threads = [threading.Thread(target=pull, args=(name,)) for name in ("left", "right", "base", "left")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    new = Counter(free.fetched()) - before
    assert len(new) == 6  # three layers, three configurations
    manifests = [subprocess.run(["skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{free.address}/{name}:1"],
                                capture_output=True, text=True, check=True).stdout for name in ("left", "right")]
    layers = {layer["digest"] for manifest in manifests for layer in json.loads(manifest)["layers"]}
    assert {new[layer] for layer in layers} == {1}


def test_a_tag_that_moved_is_followed(world: tuple[Registry, Registry], store: ImageStore, tmp_path: Path) -> None:
    """The name leads to the new image; the old one is still found by its digest."""
    address = world[0].address
    maker = ImageStore(Places(tmp_path / "other", tmp_path / "other-run"))
    ids = []
    for text in ("one", "two"):
        maker.build(Build(context=str(tmp_path), dockerfile_inline=f"FROM scratch\nLABEL text={text}\n"), f"{address}/moving:1", quiet)
        maker.push(f"{address}/moving:1", quiet)
        ids.append(store.pull(f"{address}/moving:1", quiet).id)
    assert ids[0] != ids[1]
    found = store.find(f"{address}/moving:1")
    assert found
    assert found.config.labels["text"] == "two"


def test_a_digest_is_pulled_and_found_with_a_tag_and_without(world: tuple[Registry, Registry], store: ImageStore) -> None:
    """`name@digest`, and `name:tag@digest`, of which the digest decides."""
    address = world[0].address
    raw = digest_of(f"{address}/left:1")
    for name in (f"{address}/left@{raw}", f"{address}/left:whatever@{raw}"):
        image = store.pull(name, quiet)
        assert image.config.command == ("/left",)
        assert store.find(name) == image
        store.remove(image.id)


def test_an_image_is_removed_by_two_names_at_once(world: tuple[Registry, Registry], store: ImageStore, places: Places) -> None:
    """As `down --rmi all` does: what is gone already is fine."""
    repository = f"{world[0].address}/left"
    digest = digest_of(f"{repository}:1")
    names = (f"{repository}@{digest}", f"{repository}:1@{digest}")
    errors: list[Exception] = []

    def remove(name: str) -> None:
        try:
            ImageStore(places).remove(name)
        except ImageError as error:
            errors.append(error)

    for _ in range(3):
        store.pull(names[0], quiet)
        threads = [threading.Thread(target=remove, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not errors
        assert store.find(names[0]) is None


def test_credentials_open_a_locked_registry_and_leave_no_trace(
    world: tuple[Registry, Registry], store: ImageStore, tmp_path: Path
) -> None:
    """Without, and with wrong ones, it says how to log in; nothing is half made, and no file holds the password."""
    locked = world[1]
    name = f"{locked.address}/left:1"
    for access in (Access(), Access(auth_file(locked.address, "wrong"))):
        with pytest.raises(ImageError, match=f"image {name} cannot be pulled: .*unauthorized") as caught:
            store.pull(name, quiet, access)
        assert f"skopeo login {locked.address}" in caught.value.hint
        assert store.find(name) is None
    assert store.pull(name, quiet, Access(locked.auths)).config.command == ("/left",)
    store.push(name, quiet, Access(locked.auths))
    with pytest.raises(ImageError, match=r"cannot be pushed: .*(unauthorized|authentication required)"):
        store.push(name, quiet)
    secret = json.loads(locked.auths)["auths"][locked.address]["auth"].encode()
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size < MEGABYTE and secret in path.read_bytes()]


def test_a_build_stands_on_an_image_of_a_locked_registry(world: tuple[Registry, Registry], store: ImageStore, tmp_path: Path) -> None:
    """With the caller's credentials, and with plain HTTP on loopback; the name may come by an argument."""
    base = f"{world[1].address}/left:1"
    recipe = Build(context=str(tmp_path), dockerfile_inline="ARG BASE\nFROM $BASE\nLABEL above=1\n", args={"BASE": base})
    with pytest.raises(ImageError, match="unauthorized"):
        store.build(recipe, "above:1", quiet)
    assert store.build(recipe, "above:1", quiet, Access(world[1].auths)).config.labels["above"] == "1"


@pytest.mark.parametrize(("name", "why", "hint"), [
    ("{address}/nothing:1", "manifest unknown", "check the name"),
    ("127.0.0.1:1/left:1", "connection refused", "can 127.0.0.1:1 be reached"),
    ("nowhere.invalid/left:1", "no such host|misbehaving|dial", "can nowhere.invalid be reached"),
])
def test_what_cannot_be_pulled_is_told_in_one_line(
    world: tuple[Registry, Registry], store: ImageStore, places: Places, name: str, why: str, hint: str
) -> None:
    """With a hint that fits, and with an empty store afterwards."""
    wanted = name.format(address=world[0].address)
    with pytest.raises(ImageError, match=why) as caught:
        store.pull(wanted, quiet)
    assert hint in caught.value.hint
    assert "\n" not in caught.value.message
    assert 'docker://' not in caught.value.message
    assert not (places.root / "pulled").exists()
    assert store.find(wanted) is None


def test_the_callers_registries_conf_is_followed(world: tuple[Registry, Registry], store: ImageStore) -> None:
    """Here a mirror: what the name says is fetched from somewhere else."""
    mirror = f'[[registry]]\nprefix = "shop.invalid"\nlocation = "{world[0].address}"\ninsecure = true\n'
    assert store.pull("shop.invalid/left:1", quiet, Access(registries=mirror)).config.command == ("/left",)


def test_an_image_of_a_docker_engine_is_taken_when_no_registry_has_it(
    store: ImageStore, tmp_path: Path
) -> None:
    """Only when the store has none by that name: an old local build never hides that the registry is gone."""
    top, name = tmp_path / "maker", "127.0.0.1:1/me/app:1"
    maker = Places(top / "root", top / "run")
    ImageStore(maker).build(Build(context=str(tmp_path), dockerfile_inline="FROM scratch\nLABEL from=engine\n"), name, quiet)
    archive = tmp_path / "saved.tar"
    subprocess.run(["unshare", "-m", "skopeo", "copy", skopeo_target(maker, name), f"docker-archive:{archive}:{name}"],
                   check=True, capture_output=True)
    with docker_engine(tmp_path / "docker.sock", {name: archive}):
        with_engine = Access(engine=str(tmp_path / "docker.sock"))
        with pytest.raises(ImageError, match="connection refused"):
            store.pull(name, quiet)
        assert store.pull(name, quiet, with_engine).config.labels["from"] == "engine"
        with pytest.raises(ImageError, match="connection refused"):
            store.pull(name, quiet, with_engine)
        with pytest.raises(ImageError, match="connection refused"):
            store.pull("127.0.0.1:1/me/other:1", quiet, with_engine)


def make_index(address: str, *entries: tuple[str, str]) -> str:
    """`left:many` leads to one manifest an architecture, given as (architecture, tag of `left`); the index's digest."""
    manifests = [{"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest_of(f"{address}/left:{tag}"),
                  "size": len(raw_manifest(f"{address}/left:{tag}")), "platform": {"os": "linux", "architecture": architecture}}
                 for architecture, tag in entries]
    body = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}).encode()
    request = Request(f"http://{address}/v2/left/manifests/many", body, {"Content-Type": INDEX}, method="PUT")
    with urlopen(request) as answer:
        return str(answer.headers["Docker-Content-Digest"])


def raw_manifest(name: str) -> bytes:
    return subprocess.run(["skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{name}"], capture_output=True, check=True).stdout


def test_a_name_of_many_platforms_leads_to_this_machines_image(world: tuple[Registry, Registry], places: Places) -> None:
    """Also by the index's digest, which is what pinning gives; a second pull finds that nothing has changed."""
    address = world[0].address
    copy = ["skopeo", "copy", "--format=oci", "--src-tls-verify=false", "--dest-tls-verify=false", f"docker://{address}/right:1"]
    subprocess.run([*copy, f"docker://{address}/left:foreign"], check=True, capture_output=True)
    subprocess.run([*copy[:-1], f"docker://{address}/left:1", f"docker://{address}/left:own"], check=True, capture_output=True)
    foreign, own = ("arm64", "amd64") if platform.machine() == "x86_64" else ("amd64", "arm64")
    digest = make_index(address, (foreign, "foreign"), (own, "own"))
    store = ImageStore(places)
    image = store.pull(f"{address}/left:many", quiet)
    assert image.config.command == ("/left",)
    assert pinned(places, f"{address}/left:many", Access()) == f"{address}/left:many@{digest}"
    before = world[0].fetched()
    assert store.find(f"{address}/left@{digest}") == image
    assert store.pull(f"{address}/left:many", quiet) == image
    assert store.pull(f"{address}/left:many@{digest}", quiet) == image
    assert world[0].fetched() == before
