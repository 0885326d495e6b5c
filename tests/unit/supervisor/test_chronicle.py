"""The file of events."""

from __future__ import annotations

from pathlib import Path

import pytest

from composer.engine.records import Records
from composer.events import Event
from composer.observed import Container
from composer.store import Places
from composer.supervisor import chronicle
from composer.supervisor.chronicle import Chronicle, is_news, read_events

WEB = Container("a" * 64, "shop-web-1", "web", 1, image="web:1")


@pytest.fixture
def kept(tmp_path: Path) -> Chronicle:
    places = Places(tmp_path / "root", tmp_path / "run").project("hash")
    records = Records(places, lambda _: None)
    records.put(WEB)
    return Chronicle(places.events, records)


def event(at: float, action: str, detail: str = "") -> Event:
    return Event(at, "container/shop-web-1", action, detail)


def test_news_of_containers_are_kept_with_who_they_are_about(kept: Chronicle) -> None:
    """Id, image and service come from the record, also when it is gone by then; steps under way are told and not kept."""
    kept.note(event(1, "creating"))
    kept.note(event(2, "created"))
    kept.records.drop(WEB.id)
    told = kept.note(event(3, "removed"))
    assert (told.container, told.image, told.service) == (WEB.id, "web:1", "web")
    assert [(one.at, one.action, one.container) for one in read_events(kept.path)] == [(2, "created", WEB.id), (3, "removed", WEB.id)]


def test_other_events_pass_as_they_are(kept: Chronicle) -> None:
    """Networks, images; and containers that nobody knows."""
    for other in (Event(1, "network/shop_default", "created"), Event(1, "container/unknown", "created")):
        assert kept.note(other) == other
        assert not is_news(other)
    assert not kept.path.exists()


def test_a_time_can_be_chosen(kept: Chronicle) -> None:
    """Both ends are part of it; a line that was cut short by a crash is left out; without a file there is nothing."""
    assert list(read_events(kept.path)) == []
    for at in (1, 2, 3, 4):
        kept.note(event(at, "started"))
    with kept.path.open("ab") as file:
        file.write(b'{"at": 5, "subj')
    assert [one.at for one in read_events(kept.path, since=2, until=3)] == [2, 3]
    assert [one.at for one in read_events(kept.path)] == [1, 2, 3, 4]


def test_the_file_has_a_bound(kept: Chronicle, monkeypatch: pytest.MonkeyPatch) -> None:
    """The older half goes, whole lines of it."""
    monkeypatch.setattr(chronicle, "LIMIT", 4000)
    for at in range(200):
        kept.note(event(at, "started"))
    assert kept.path.stat().st_size <= 4000
    times = [one.at for one in read_events(kept.path)]
    assert times == list(range(200 - len(times), 200))
    assert len(times) > 5


def test_without_a_folder_nothing_is_written(kept: Chronicle, tmp_path: Path) -> None:
    """After `down` there is nowhere to write to, and it is not made again."""
    gone = Chronicle(tmp_path / "gone" / "events.jsonl", kept.records)
    assert gone.note(event(1, "started")).container == WEB.id
    assert not gone.path.parent.exists()
