"""The kernel's word on real folders: what changes is told once it is whole, what is ignored never."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from composer.supervisor.watch.batching import Pending
from composer.supervisor.watch.sieve import Scope, Source
from composer.supervisor.watch.tree import Tree


class Watched:
    """A folder with a tree that watches it: `changed` is what was told by now, also of what only waits."""

    def __init__(self, path: Path, *sources: Source, polling: bool = False) -> None:
        self.path = path
        self.pending = Pending()
        self.tree = Tree(sources or (Source("x", str(path)),), self.pending, polling=polling)
        self.tree.begin(0.0)

    def changed(self) -> set[str]:
        self.tree.read(0.0)
        told = {path for _, path in (*self.pending.ready, *self.pending.waiting)}
        self.pending.ready.clear()
        self.pending.waiting.clear()
        return told

    def ready(self) -> set[str]:
        self.tree.read(0.0)
        return {path for _, path in self.pending.ready}


@contextmanager
def watched(path: Path, *sources: Source) -> Iterator[Watched]:
    one = Watched(path, *sources)
    try:
        yield one
    finally:
        one.tree.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "work"
    (made / "deep").mkdir(parents=True)
    (made / "app.py").write_text("1")
    (made / "deep" / "er.py").write_text("1")
    return made


def test_ways_of_saving(folder: Path) -> None:
    """Written in place, renamed over, deleted and made anew: each is told, under the file's own name, as soon as it is whole."""
    with watched(folder) as here:
        (folder / "app.py").write_text("2")
        assert here.ready() == {"app.py"}
        here.changed()
        (folder / ".app.py.new").write_text("3")
        (folder / ".app.py.new").rename(folder / "app.py")
        assert "app.py" in here.ready()
        here.changed()
        (folder / "app.py").unlink()
        assert here.ready() == set()
        (folder / "app.py").write_text("4")
        assert here.ready() == {"app.py"}
        here.changed()
        (folder / "app.py").unlink()
        assert here.changed() == {"app.py"}


def test_a_file_that_is_open_is_not_whole(folder: Path) -> None:
    """It waits for its close."""
    with watched(folder) as here, (folder / "app.py").open("w") as file:
        file.write("half")
        file.flush()
        assert here.ready() == set()
        file.close()
        assert here.ready() == {"app.py"}


def test_folders_come_and_go(folder: Path) -> None:
    """A new folder is told with what is in it, a moved one at both places, and what happens in it later under its new name."""
    with watched(folder) as here:
        (folder / "new" / "sub").mkdir(parents=True)
        (folder / "new" / "sub" / "a").write_text("")
        assert "new/sub/a" in here.changed()
        (folder / "deep").rename(folder / "deeper")
        assert here.changed() == {"deep", "deep/er.py", "deeper/er.py"}
        (folder / "deeper" / "er.py").write_text("2")
        assert here.changed() == {"deeper/er.py"}
        shutil.rmtree(folder / "deeper")
        assert here.changed() == {"deeper", "deeper/er.py"}


def test_a_mode_is_a_change_and_a_time_is_none(folder: Path) -> None:
    """`chmod` is told; an editor that sets a file's time after it was saved says nothing new."""
    with watched(folder) as here:
        os.utime(folder / "app.py", (1, 1))
        assert here.changed() == set()
        (folder / "app.py").chmod(0o755)
        assert here.changed() == {"app.py"}


def test_ignored_folders_are_not_even_watched(folder: Path) -> None:
    """There is no watch for what is ignored, neither at the beginning nor for folders that come later."""
    (folder / "node_modules" / "a").mkdir(parents=True)
    source = Source("x", str(folder), (Scope(str(folder), ("**/node_modules",)),))
    with watched(folder, source) as here:
        (folder / "deep" / "node_modules").mkdir()
        (folder / "deep" / "node_modules" / "b.js").write_text("")
        assert here.changed() == set()
        assert here.tree.snapshot.known.keys() == {str(folder.parent), str(folder), str(folder / "deep")}


def test_a_single_file_and_one_that_does_not_exist_yet(folder: Path) -> None:
    """A file is watched by its name, through renames; a path may come later, with the folders above it."""
    sources = Source("one", str(folder / "app.py")), Source("later", str(folder / "a" / "b" / "c"))
    with watched(folder, *sources) as here:
        (folder / "deep" / "er.py").write_text("2")
        assert here.changed() == set()
        (folder / "x").write_text("2")
        (folder / "x").rename(folder / "app.py")
        (folder / "a" / "b").mkdir(parents=True)
        here.tree.read(0.0)
        (folder / "a" / "b" / "c").write_text("")
        here.tree.read(0.0)
        assert {*here.pending.ready, *here.pending.waiting} == {("one", ""), ("later", "")}


def test_a_tree_that_is_removed_and_comes_back(folder: Path) -> None:
    """Watching goes on when the folder is there again, as after a change of branches."""
    with watched(folder) as here:
        shutil.rmtree(folder)
        assert {"", "app.py", "deep/er.py"} <= here.changed()
        folder.mkdir()
        here.changed()
        (folder / "app.py").write_text("back")
        assert here.changed() == {"app.py"}


def test_links(folder: Path) -> None:
    """A symbolic link and a second name are whole as soon as they are there; no link is followed."""
    with watched(folder) as here:
        (folder / "link").symlink_to("deep")
        (folder / "second").hardlink_to(folder / "app.py")
        assert {"link", "second"} <= here.ready()


def test_looking_again_finds_what_was_missed(folder: Path) -> None:
    """What changed, came and went while nobody told; the rest is not told. Polling is nothing else."""
    one = Watched(folder, polling=True)
    (folder / "app.py").write_text("22")
    (folder / "new").mkdir()
    (folder / "new" / "a").write_text("")
    shutil.rmtree(folder / "deep")
    one.tree.look_again(0.0)
    told = {path for _, path in (*one.pending.ready, *one.pending.waiting)}
    assert told == {"app.py", "new/a", "deep", "deep/er.py"}


def test_all_that_is_there_is_the_first_batch_where_that_is_wanted(folder: Path) -> None:
    """`initial` of one source says nothing about another."""
    with watched(folder, Source("a", str(folder), initial=True), Source("b", str(folder))) as here:
        assert set(here.pending.ready) == {("a", "app.py"), ("a", "deep/er.py")}


def test_an_unreadable_folder_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is left out, and the rest is watched; root itself may read nearly everything, so the refusal is made here."""
    scandir = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("/deep"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with watched(folder) as here:
        assert here.tree.snapshot.unreadable == {str(folder / "deep"): "Permission denied"}
        (folder / "app.py").write_text("2")
        assert here.changed() == {"app.py"}
    monkeypatch.undo()


def test_a_queue_that_overflows_loses_nothing(folder: Path) -> None:
    """More events than the kernel keeps: what is there in the end is told."""
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    with watched(folder) as here:
        for number in range(limit // 3 + 100):
            (folder / f"{number % 4000}").write_text(str(number))
        (folder / "last").write_text("")
        (folder / "app.py").unlink()
        told = here.changed()
        assert {"last", "app.py", "0", "3999"} <= told
