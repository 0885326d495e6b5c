"""Trees on their way between folders and tar streams, and where `cp` puts them."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from composer.errors import StorageError
from composer.storage.copying import Spot, copy, from_archive, to_archive
from composer.storage.trees import Writer, walk

ME = (os.getuid(), os.getgid())


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """src/{a, sub/b, link -> a, pipe}"""
    source = tmp_path / "root" / "src"
    (source / "sub").mkdir(parents=True)
    (source / "a").write_text("one")
    (source / "a").chmod(0o640)
    os.utime(source / "a", (1e9, 1e9))
    (source / "sub" / "b").write_text("two")
    (source / "link").symlink_to("a")
    os.mkfifo(source / "pipe")
    return source


@contextmanager
def opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_PATH)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def put(tmp_path: Path, source: str, target: str, *, follow: bool = False) -> list[str]:
    return copy(Spot(tmp_path / "root", source), Spot(tmp_path / "root", target), follow=follow, owner=ME)


def test_walk_names_folders_before_what_is_in_them(tree: Path) -> None:
    """In order of their names, links as links."""
    with opened(tree) as top:
        assert [(one.name, one.kind) for one in walk(top, "x")] == [
            ("x", "folder"), ("x/a", "file"), ("x/link", "link"), ("x/pipe", "other"), ("x/sub", "folder"), ("x/sub/b", "file"),
        ]


def test_a_tree_becomes_a_new_folder_or_goes_into_one(tree: Path, tmp_path: Path) -> None:
    """By the rules of docker cp; mode and time are kept, pipes are left out and named."""
    root = tree.parent
    assert put(tmp_path, "/src", "/new") == ["new/pipe"]
    assert (root / "new/sub/b").read_text() == "two"
    assert (root / "new/link").readlink() == Path("a")
    status = (root / "new/a").stat()
    assert (status.st_mode & 0o7777, status.st_mtime) == (0o640, 1e9)
    assert put(tmp_path, "/src", "/new") == ["src/pipe"]
    assert (root / "new/src/a").read_text() == "one"
    put(tmp_path, "/src/sub/.", "/new")
    assert (root / "new/b").read_text() == "two"
    put(tmp_path, "/src/sub/.", "/fresh")
    assert (root / "fresh/b").read_text() == "two"


def test_a_file_becomes_a_file_or_goes_into_a_folder(tree: Path, tmp_path: Path) -> None:
    """One that is there keeps its inode, so that a mounted one can be written; a folder is never written over."""
    root = tree.parent
    put(tmp_path, "/src/a", "/copy")
    inode = (root / "copy").stat().st_ino
    put(tmp_path, "/src/sub/b", "/copy")
    assert ((root / "copy").read_text(), (root / "copy").stat().st_ino) == ("two", inode)
    put(tmp_path, "/src/a", "/src/sub/")
    assert (root / "src/sub/a").read_text() == "one"
    for source, target in (("/src", "/copy"), ("/src/a", "/none/x"), ("/src/a", "/none/"), ("/none", "/copy")):
        with pytest.raises(StorageError):
            put(tmp_path, source, target)
    (root / "into/src").mkdir(parents=True)
    (root / "into/src/a").mkdir()
    with pytest.raises(StorageError, match="there is a folder of that name"):
        put(tmp_path, "/src", "/into")


def test_links_stay_within_the_root(tree: Path, tmp_path: Path) -> None:
    """An absolute link and `..` mean the root's own files; below the top no link is followed at all."""
    root = tree.parent
    (tmp_path / "outside").mkdir()
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "up").symlink_to("../outside")
    for target in ("/out/x", "/up/x", "/../outside/x"):
        with pytest.raises(StorageError):
            put(tmp_path, "/src/a", target)
    (root / "into").mkdir()
    put(tmp_path, "/src/.", "/into/")
    (root / "into/sub/b").unlink()
    (root / "into/sub").rmdir()
    (root / "into/sub").symlink_to(tmp_path / "outside")
    with pytest.raises(StorageError, match="not followed"):
        put(tmp_path, "/src/.", "/into/")
    assert not any((tmp_path / "outside").iterdir())


def test_a_link_at_the_top_is_copied_or_followed(tree: Path, tmp_path: Path) -> None:
    """-L follows it; a link that is in the way of a copied file is replaced, not written through."""
    root = tree.parent
    put(tmp_path, "/src/link", "/same")
    assert (root / "same").is_symlink()
    put(tmp_path, "/src/link", "/real", follow=True)
    assert not (root / "real").is_symlink()
    (root / "into/src").mkdir(parents=True)
    (root / "into/src/a").symlink_to(root / "real")
    put(tmp_path, "/src", "/into")
    assert not (root / "into/src/a").is_symlink()


def test_set_id_bits_go_with_the_owner_only(tree: Path, tmp_path: Path) -> None:
    """Who gives a file another owner must not give it that one's rights."""
    (tree / "a").chmod(0o4755)
    put(tmp_path, "/src/a", "/plain")
    assert (tree.parent / "plain").stat().st_mode & 0o7777 == 0o755
    copy(Spot(tree.parent, "/src/a"), Spot(tree.parent, "/same"), follow=False, owner=None)
    assert (tree.parent / "same").stat().st_mode & 0o7777 == 0o4755


def test_a_tar_stream_goes_both_ways(tree: Path, tmp_path: Path) -> None:
    """What is written can be unpacked again; a further name of a file becomes one."""
    archive = io.BytesIO()
    assert to_archive(Spot(tree.parent, "/src"), archive, follow=False) == ["src/pipe"]
    archive.seek(0)
    (tmp_path / "back").mkdir()
    from_archive(archive, Spot(tmp_path / "back", "/"), owner=ME)
    assert (tmp_path / "back/src/sub/b").read_text() == "two"
    assert (tmp_path / "back/src/link").readlink() == Path("a")
    linked = io.BytesIO()
    with tarfile.open(fileobj=linked, mode="w") as tar:
        tar.add(tree / "a", "/d/a")
        again = tarfile.TarInfo("d/again")
        again.type, again.linkname = tarfile.LNKTYPE, "d/a"
        tar.addfile(again)
    linked.seek(0)
    from_archive(linked, Spot(tmp_path / "back", "/"), owner=ME)
    assert (tmp_path / "back/d/again").samefile(tmp_path / "back/d/a")


@pytest.mark.parametrize("name", ["../evil", "a/../../evil"])
def test_names_that_climb_are_refused(tmp_path: Path, name: str) -> None:
    """In an archive nobody honest has them."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.addfile(tarfile.TarInfo(name))
    archive.seek(0)
    (tmp_path / "in").mkdir()
    with pytest.raises(StorageError, match="must not contain"):
        from_archive(archive, Spot(tmp_path / "in", "/"), owner=ME)


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    """In words."""
    with opened(tmp_path) as folder, pytest.raises(StorageError, match="no tar archive"):
        from composer.storage.trees import unpack

        Writer(folder, ME).write(unpack(io.BytesIO(b"hello" * 200)))
