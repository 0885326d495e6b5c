"""Files of the host into a container's root: here a folder stands for it."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path

import pytest

from composer.errors import StorageError
from composer.host import Mirror
from composer.storage import sync as module
from composer.storage.sync import sync, tidy
from composer.store import ContainerPlaces, Places


@dataclass
class Bench:
    """`source` is the host's folder, `target` is /app in the container's `root`."""

    places: ContainerPlaces
    source: Path
    root: Path

    @property
    def target(self) -> Path:
        return self.root / "app"

    def sync(self, *paths: str, target: str = "/app", source: Path | None = None, differing: bool = False) -> tuple[str, ...]:
        return sync(self.places, (self.root,), [Mirror(str(source or self.source), target, paths)], differing=differing)

    def left(self) -> list[str]:
        drafts = [str(path) for path in self.root.rglob("*") if ".composer" in path.name]
        return drafts + ([str(self.places.sync)] if self.places.sync.exists() else [])


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    places = Places(tmp_path / "state", tmp_path / "run").project("abc").container("c1")
    made = Bench(places, tmp_path / "source", tmp_path / "root")
    made.source.mkdir()
    made.target.mkdir(parents=True)
    return made


def test_a_file_comes_with_its_mode_and_time(bench: Bench) -> None:
    """Folders on the way look as they do on the host; nothing is left beside it."""
    (bench.source / "deep").mkdir(mode=0o750)
    file = bench.source / "deep" / "run.sh"
    file.write_text("echo")
    file.chmod(0o755)
    os.utime(file, ns=(5, 1_700_000_000_123_456_789))
    assert bench.sync("deep/run.sh") == ()
    there = bench.target / "deep" / "run.sh"
    assert there.read_text() == "echo"
    assert stat.S_IMODE(there.stat().st_mode) == 0o755
    assert there.stat().st_mtime_ns == 1_700_000_000_123_456_789
    assert stat.S_IMODE(there.parent.stat().st_mode) == 0o750
    assert bench.left() == []


def test_a_file_keeps_its_special_modes(bench: Bench) -> None:
    """A program that runs as its owner does so in the container, too."""
    file = bench.source / "su"
    file.write_text("new")
    file.chmod(0o4755)
    assert bench.sync("su") == ()
    assert stat.S_IMODE((bench.target / "su").stat().st_mode) == 0o4755


def test_a_file_is_replaced_in_one_step(bench: Bench) -> None:
    """Who has the old one open goes on reading the old one: the new one is another file."""
    (bench.source / "a").write_text("new")
    (bench.target / "a").write_text("old")
    with (bench.target / "a").open() as reader:
        bench.sync("a")
        assert reader.read() == "old"
    assert (bench.target / "a").read_text() == "new"


def test_what_is_gone_is_removed(bench: Bench) -> None:
    """A file, a folder with all that is in it, what was never there, and a path whose folder became a file."""
    (bench.target / "folder" / "deep").mkdir(parents=True)
    (bench.target / "folder" / "deep" / "x").write_text("")
    (bench.target / "file").write_text("")
    (bench.target / "kept").write_text("")
    (bench.source / "kept").write_text("")
    assert bench.sync("folder", "folder/deep/x", "file", "never/was", "kept/below") == ()
    assert os.listdir(bench.target) == ["kept"]


def test_kinds_change(bench: Bench) -> None:
    """A folder becomes a file, a file a folder, a file a link, as on the host."""
    (bench.target / "a").mkdir()
    (bench.target / "a" / "x").write_text("")
    (bench.target / "b").write_text("")
    (bench.target / "c").write_text("")
    (bench.source / "a").write_text("file")
    (bench.source / "b").mkdir()
    (bench.source / "b" / "y").write_text("y")
    (bench.source / "c").symlink_to("../../elsewhere")
    assert bench.sync("a", "b/y", "c") == ()
    assert (bench.target / "a").read_text() == "file"
    assert (bench.target / "b" / "y").read_text() == "y"
    assert os.readlink(bench.target / "c") == "../../elsewhere"


def test_no_link_leads_out_of_the_target(bench: Bench) -> None:
    """Below the target a link of the container's that leads out of it is not followed, and said; one within it is."""
    outside = bench.root / "etc"
    outside.mkdir()
    (bench.target / "out").symlink_to("/etc")
    (bench.target / "up").symlink_to("../etc")
    (bench.target / "real").mkdir()
    (bench.target / "within").symlink_to("real")
    for name in ("out", "up", "within"):
        (bench.source / name).mkdir()
        (bench.source / name / "passwd").write_text("me")
    said = bench.sync("out/passwd", "up/passwd", "within/passwd")
    assert [line.split(":")[0] for line in said] == ["/app/out", "/app/up"]
    assert os.listdir(outside) == []
    assert (bench.target / "real" / "passwd").read_text() == "me"
    for name in ("out", "up"):
        (bench.source / name / "passwd").unlink()
    (outside / "passwd").write_text("root")
    bench.sync("out/passwd", "up/passwd")
    assert (outside / "passwd").read_text() == "root"


def test_a_link_to_the_target_is_the_containers(bench: Bench) -> None:
    """`/srv/current -> /app` is resolved with the container's root for `/`."""
    (bench.root / "srv").mkdir()
    (bench.root / "srv" / "current").symlink_to("/app")
    (bench.source / "a").write_text("a")
    bench.sync("a", target="/srv/current/")
    assert (bench.target / "a").read_text() == "a"


def test_a_target_that_is_missing_is_made(bench: Bench) -> None:
    """With the folders above it."""
    (bench.source / "a").write_text("a")
    bench.sync("a", target="/opt/new/place")
    assert (bench.root / "opt/new/place/a").read_text() == "a"


def test_a_single_file(bench: Bench) -> None:
    """The path "" is the source itself; its target is a file's path. It never removes a folder."""
    (bench.source / "conf").write_text("1")
    assert bench.sync("", source=bench.source / "conf", target="/app/etc.conf") == ()
    assert (bench.target / "etc.conf").read_text() == "1"
    (bench.source / "conf").unlink()
    bench.sync("", source=bench.source / "conf", target="/app/etc.conf")
    assert os.listdir(bench.target) == []
    bench.sync("", source=bench.source / "conf", target="/app")
    assert bench.target.is_dir()


@pytest.mark.skipif(os.geteuid() != 0, reason="files of several owners need root")
def test_owners(bench: Bench) -> None:
    """What is replaced keeps its owner, what is new has its folder's: the image's user goes on being able to write it."""
    os.chown(bench.target, 1000, 1001)
    (bench.target / "old").write_text("")
    os.chown(bench.target / "old", 7, 8)
    (bench.source / "deep").mkdir()
    for name in ("old", "new", "deep/er"):
        (bench.source / name).write_text("1")
    bench.sync("old", "new", "deep/er")
    owners = {name: (bench.target / name).stat() for name in ("old", "new", "deep", "deep/er")}
    assert {name: (one.st_uid, one.st_gid) for name, one in owners.items()} == {
        "old": (7, 8), "new": (1000, 1001), "deep": (1000, 1001), "deep/er": (1000, 1001)}


def test_only_what_differs(bench: Bench) -> None:
    """Same size, mode and time: left alone; whole seconds are an image layer's way to keep the time."""
    for name in ("same", "layer", "other"):
        (bench.source / name).write_text("source")
        os.utime(bench.source / name, ns=(0, 1_700_000_000_500_000_000))
        (bench.target / name).write_text("target")
    os.utime(bench.target / "same", ns=(0, 1_700_000_000_500_000_000))
    os.utime(bench.target / "layer", ns=(0, 1_700_000_000_000_000_000))
    bench.sync("same", "layer", "other", differing=True)
    assert [(bench.target / name).read_text() for name in ("same", "layer", "other")] == ["target", "target", "source"]


def test_a_killed_writers_drafts_are_removed(bench: Bench) -> None:
    """By the next sync, or by `tidy`: where they may be was written down before."""
    (bench.source / "deep").mkdir()
    (bench.source / "deep" / "a").write_text("a")
    (bench.target / "deep").mkdir()
    for remove in (lambda: bench.sync("deep/a"), lambda: tidy(bench.places, (bench.root,))):
        (bench.target / "deep" / ".composer-dead").write_text("half")
        bench.places.sync.parent.mkdir(parents=True, exist_ok=True)
        bench.places.sync.write_text(json.dumps({"draft": ".composer-dead", "folders": [["/app", ""], ["/app", "deep"], ["/gone", "x"]]}))
        remove()
        assert bench.left() == []


def test_a_file_that_is_being_written_is_read_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What arrives is the file as it was at one moment."""
    (bench.source / "a").write_text("first half")
    sendfile = os.sendfile
    writes = iter(["first half, second half"])

    def interrupted(out: int, into: int, offset: int, count: int) -> int:
        sent = sendfile(out, into, offset, count)
        if text := next(writes, ""):
            (bench.source / "a").write_text(text)
        return sent

    monkeypatch.setattr(module.os, "sendfile", interrupted)
    monkeypatch.setattr(module, "PAUSE", 0)
    bench.sync("a")
    assert (bench.target / "a").read_text() == "first half, second half"


def test_a_target_that_the_container_made_a_circle_of_links_is_one_error(bench: Bench) -> None:
    """It is StorageError, which a supervisor survives; also while drafts of a writer that was killed are looked for."""
    bench.target.rmdir()
    bench.target.symlink_to("/app")
    (bench.source / "a").write_text("a")
    with pytest.raises(StorageError, match="goes in circles"):
        bench.sync("a")
    tidy(bench.places, (bench.root,))
    assert bench.left() == []
