"""What a tree looks like while others work in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from composer.supervisor.watch.sieve import Sieve, Source
from composer.supervisor.watch.snapshot import Snapshot

real = os.scandir


def test_a_file_that_vanishes_while_its_folder_is_listed_takes_nothing_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folders beside it are entered, and their files known."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "page").touch()
    draft = tmp_path / "draft"
    draft.touch()

    @contextmanager
    def listing(folder: str) -> Iterator[Iterator[os.DirEntry[str]]]:
        with real(folder) as entries:
            found = list(entries)
        draft.unlink(missing_ok=True)
        yield iter(found)

    monkeypatch.setattr(os, "scandir", listing)
    snapshot = Snapshot([Sieve(Source("x", str(tmp_path)))])
    assert {os.path.basename(path) for path, there in snapshot.look(str(tmp_path)) if there} == {"page"}
    assert str(tmp_path / "deep") in snapshot.known


def test_a_folder_that_cannot_be_listed_is_left_alone(tmp_path: Path) -> None:
    """Whatever the reason, which is kept; the others are looked at."""
    for name in ("bad", "good"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()

    def enter(folder: str) -> None:
        if folder.endswith("bad"):
            raise OSError(5, "Input/output error")

    snapshot = Snapshot([Sieve(Source("x", str(tmp_path)))])
    assert [path for path, _ in snapshot.look(str(tmp_path), enter)] == [str(tmp_path / "good" / "file")]
    assert snapshot.unreadable == {str(tmp_path / "bad"): "Input/output error"}
