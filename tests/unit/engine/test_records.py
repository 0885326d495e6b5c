"""Records: on disk before the call returns, and the same after a new start."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from composer.engine.records import Records, read_containers, read_networks
from composer.errors import ComposerError
from composer.observed import Container, Endpoint, NetworkState, Process, Publication
from composer.store import Places, ProjectPlaces

NETWORK = NetworkState("front", "shop_front", "br-1", "02:00:00:00:00:01", "10.0.0.0/24", "10.0.0.1", False, "f")
WEB = Container(
    "w" * 64,
    "shop-web-1",
    "web",
    1,
    status="running",
    process=Process(7, 8, "b"),
    labels={"a": "b"},
    anonymous=(("/d", "v"),),
    endpoints=(Endpoint("front", "eth0", "v0", "10.0.0.2/24", "10.0.0.1", "02:42:0a:00:00:02", ("www",), True),),
    publications=(Publication("", 8080, 80),),
)


@pytest.fixture
def places(tmp_path: Path) -> ProjectPlaces:
    return Places(tmp_path / "root", tmp_path / "run").project("abc")


def opened(places: ProjectPlaces, seen: list[Container] | None = None) -> Records:
    return Records(places, (seen if seen is not None else []).append)


def test_a_record_survives_the_writer(places: ProjectPlaces) -> None:
    """Every field, nested ones too."""
    opened(places).put(WEB)
    assert opened(places).all() == read_containers(places) == (WEB,)
    opened(places).put_network(NETWORK)
    assert opened(places).networks == read_networks(places) == {"front": NETWORK}


def test_a_change_is_on_disk_when_the_call_returns(places: ProjectPlaces) -> None:
    """And told, with the new value."""
    seen: list[Container] = []
    records = opened(places, seen)
    records.put(WEB)
    changed = records.change(WEB.id, status="exited", exit_code=3)
    assert read_containers(places) == (changed,)
    assert seen == [WEB, changed]


@contextmanager
def no_room() -> Iterator[None]:
    """Files cannot grow past ten bytes, as on a full disk (setrlimit(2))."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_write_that_fails_leaves_the_old_record(places: ProjectPlaces) -> None:
    """The file is replaced in one step: a full disk cannot leave half a record, nor a draft; memory says what the disk says."""
    records = opened(places)
    records.put(WEB)

    with no_room(), pytest.raises(OSError, match="File too large"):
        records.change(WEB.id, status="exited")
    assert read_containers(places) == records.all() == (WEB,)
    assert [file.name for file in places.container(WEB.id).folder.iterdir()] == ["container.json"]


def test_a_reader_never_sees_a_draft(places: ProjectPlaces) -> None:
    """What a killed writer left beside the record does not count."""
    opened(places).put(WEB)
    (places.container(WEB.id).folder / ".container.json.123").write_text("{")
    (places.containers / "empty").mkdir()
    assert read_containers(places) == (WEB,)


def test_a_record_of_a_newer_composer_is_refused(places: ProjectPlaces) -> None:
    """Guessing would be worse."""
    opened(places).put(WEB)
    record = places.container(WEB.id).record
    record.write_text(json.dumps({**json.loads(record.read_text()), "schema": 99}))
    with pytest.raises(ComposerError, match="written by a newer composer"):
        opened(places)


def test_unknown_fields_are_left_out(places: ProjectPlaces) -> None:
    """A later version of the same schema may add some."""
    opened(places).put(WEB)
    record = places.container(WEB.id).record
    record.write_text(json.dumps({**json.loads(record.read_text()), "colour": "red"}))
    assert read_containers(places) == (WEB,)


def test_containers_are_found_by_name_and_ordered_by_service_and_number(places: ProjectPlaces) -> None:
    """One-off containers after the others."""
    records = opened(places)
    made = [
        Container(f"{name}{number}", f"shop-{name}-{number}{'-run' if oneoff else ''}", name, number, oneoff)
        for name, number, oneoff in (("web", 2, False), ("web", 10, False), ("web", 1, True), ("db", 1, False))
    ]
    for one in made:
        records.put(one)
    assert [one.name for one in records.all()] == ["shop-db-1", "shop-web-2", "shop-web-10", "shop-web-1-run"]
    assert records.named("shop-web-10") == made[1]


def test_what_is_gone_is_said_in_words(places: ProjectPlaces) -> None:
    """A plan may name a container that was removed meanwhile."""
    records = opened(places)
    records.put(WEB)
    records.drop(WEB.id)
    assert records.get(WEB.id) is None
    with pytest.raises(ComposerError, match="shop-web-1 is not there"):
        records.named("shop-web-1")
    with pytest.raises(ComposerError, match="was removed meanwhile"):
        records.change(WEB.id, status="exited")


def test_a_dropped_network_is_gone_from_disk(places: ProjectPlaces) -> None:
    """Dropping twice is fine."""
    records = opened(places)
    records.put_network(NETWORK)
    records.drop_network("front")
    records.drop_network("front")
    assert (records.networks, read_networks(places)) == ({}, {})
