"""The folders and records of volumes."""

from __future__ import annotations

from pathlib import Path

import pytest

from composer.errors import StorageError
from composer.model.mounts import FileSource, Volume
from composer.observed import VolumeState
from composer.storage import volumes
from composer.storage.driver import LocalStorage
from composer.storage.local import FileSystem
from composer.store import Places, ProjectPlaces, remove_tree, write_json


@pytest.fixture
def top(tmp_path: Path) -> Places:
    return Places(tmp_path / "root", tmp_path / "run")


@pytest.fixture
def places(top: Places) -> ProjectPlaces:
    return top.project("aaa")


STATE = VolumeState("shop_db", "db", "f", {"k": "v"})


def test_a_volume_is_listed_from_creation_to_removal(places: ProjectPlaces) -> None:
    """With its record as it was given; both may be done twice."""
    storage = LocalStorage(places)
    assert storage.volumes() == {}
    storage.create_volume(STATE)
    storage.create_volume(STATE)
    assert storage.volumes() == {"shop_db": STATE}
    assert (places.volumes / "shop_db" / "_data").is_dir()
    storage.remove_volume("shop_db")
    storage.remove_volume("shop_db")
    assert storage.volumes() == {}
    assert not (places.volumes / "shop_db").exists()


def test_creating_it_again_keeps_what_is_in_it(places: ProjectPlaces) -> None:
    """Data is never touched by a second `up`."""
    storage = LocalStorage(places)
    storage.create_volume(STATE)
    (places.volumes / "shop_db" / "_data" / "row").write_text("1")
    storage.create_volume(STATE)
    assert (places.volumes / "shop_db" / "_data" / "row").read_text() == "1"


def test_a_shared_volume_belongs_to_those_who_use_it(top: Places) -> None:
    """It is listed for them only, and removed by the last of them."""
    shared = Volume(key="db", name="team_db", shared=True)
    one, two, three = (LocalStorage(top.project(hash_)) for hash_ in ("aaa", "bbb", "ccc"))
    for project in ("aaa", "bbb", "ccc"):
        top.project(project).state.mkdir(parents=True)
    one.create_volume(VolumeState("team_db", "db", ""), shared)
    two.create_volume(VolumeState("team_db", "db", ""), shared)
    assert "team_db" in one.volumes()
    assert three.volumes() == {}
    three.remove_volume("team_db")
    with pytest.raises(StorageError, match="team_db stays: 1 other project uses it"):
        one.remove_volume("team_db")
    assert one.volumes() == {}
    assert "team_db" in two.volumes()
    two.remove_volume("team_db")
    assert not (top.shared_volumes / "team_db").exists()


def test_an_external_volume_is_shared_or_another_projects(top: Places) -> None:
    """And one that nobody has is an error with the compose file's path."""
    LocalStorage(top.project("bbb")).create_volume(VolumeState("other_db", "db", ""))
    here = top.project("aaa")
    assert volumes.locate(here, Volume(key="d", name="other_db", external=True)) == top.project("bbb").volumes / "other_db"
    missing = Volume(key="d", name="nobody", external=True)
    with pytest.raises(StorageError, match=r"volumes\.d: external volume nobody does not exist"):
        volumes.locate(here, missing)
    with pytest.raises(StorageError, match="nobody does not exist"):
        LocalStorage(here).create_volume(VolumeState("nobody", "d", ""), missing)
    LocalStorage(here).create_volume(VolumeState("other_db", "d", ""), Volume(key="d", name="other_db", external=True))
    assert LocalStorage(here).volumes() == {}
    with pytest.raises(StorageError, match="volume other_db does not exist"):
        volumes.locate(here, Volume(key="d", name="other_db"))


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden"])
def test_a_name_never_leads_out_of_the_folder(places: ProjectPlaces, name: str) -> None:
    """Names come from files and records."""
    with pytest.raises(StorageError, match="no volume name"):
        LocalStorage(places).create_volume(VolumeState(name, "k", ""))
    with pytest.raises(StorageError, match="no volume name"):
        LocalStorage(places).remove_volume(name)


def test_driver_options_say_what_is_mounted(places: ProjectPlaces, tmp_path: Path) -> None:
    """Docker's `local` driver: a bound folder, or what mount(8) would mount; anything else is refused by its path in the file."""
    def source(**options: str) -> object:
        return volumes.source(places, Volume(key="d", name="d", driver_opts=options))

    assert source(type="none", o="bind,rw", device=str(tmp_path)) == tmp_path
    assert source() is None
    assert source(type="nfs", o="addr=10.0.0.1,ro,nfsvers=4", device=":/x") == FileSystem("nfs", ":/x", 1, "addr=10.0.0.1,nfsvers=4")
    assert source(type="tmpfs", o="size=1m,uid=5,nodev", device="tmpfs") == FileSystem("tmpfs", "tmpfs", 4, "size=1m,uid=5")
    for wrong in ({"type": "tmpfs"}, {"device": "/x"}, {"o": "bind", "device": "x"}, {"size": "1m", "device": "x"}):
        with pytest.raises(StorageError, match=r"volumes\.d\.driver_opts"):
            source(**wrong)
    with pytest.raises(StorageError, match="no volume driver rexray"):
        volumes.source(places, Volume(key="d", name="d", driver="rexray"))


def test_a_volume_that_another_project_mounts_is_not_removed(places: ProjectPlaces) -> None:
    """Its own project's `down -v` leaves it as long as another's container is made with it as an external one."""
    volumes.create(places, VolumeState("shop_data", "data", ""))
    other = places.top.project("0123456789ab")
    made = other.container("c" * 64).service
    write_json(made, {"volumes": {"theirs": {"external": True, "name": "shop_data"}}})
    with pytest.raises(StorageError, match="shop_data stays"):
        volumes.remove(places, "shop_data")
    made.unlink()
    volumes.remove(places, "shop_data")
    assert not (places.volumes / "shop_data").exists()


def test_digests_follow_the_contents(places: ProjectPlaces, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """From file, environment and content; the same bytes have the same digest, what is missing has none."""
    file = tmp_path / "s"
    file.write_text("one")
    places.contents.mkdir(parents=True, mode=0o700)
    request.addfinalizer(lambda: remove_tree(places.contents))
    (places.contents / "secrets.env").write_text("one")
    sources = {
        "secrets/file": FileSource(key="file", name="file", file=str(file)),
        "secrets/env": FileSource(key="env", name="env", environment="ENV"),
        "configs/text": FileSource(key="text", name="text", content="one"),
        "configs/env": FileSource(key="env", name="env", environment="ENV"),
    }
    storage = LocalStorage(places)
    before = storage.digests(sources)
    assert set(before) == {"secrets/file", "secrets/env", "configs/text"}
    assert len(set(before.values())) == 1
    file.write_text("two")
    assert storage.digests(sources)["secrets/file"] != before["secrets/file"]


def test_removing_a_container_takes_its_folder(places: ProjectPlaces) -> None:
    """And is content when there is none."""
    (places.container("c").upper / "x").mkdir(parents=True)
    LocalStorage(places).remove_container("c")
    LocalStorage(places).remove_container("c")
    assert not places.container("c").folder.exists()
