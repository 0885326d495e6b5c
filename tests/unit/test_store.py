"""State files: written whole, in folders of our own."""

from __future__ import annotations

from pathlib import Path

import pytest

from composer.errors import StorageError
from composer.store import check_private, make_private, remove_tree, write_bytes


def test_a_private_folder_is_made_once_and_refused_when_others_may_read_it(tmp_path: Path) -> None:
    """In /dev/shm anybody may have been there first: with a folder that others read, or with a link to somewhere else."""
    mine = tmp_path / "mine"
    check_private(mine)
    make_private(mine)
    make_private(mine)
    assert mine.stat().st_mode & 0o777 == 0o700

    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "link").symlink_to(mine)
    (tmp_path / "file").touch(mode=0o600)
    for other in ("open", "link"):
        with pytest.raises(StorageError, match="somebody else has put this there"):
            make_private(tmp_path / other)
    with pytest.raises(StorageError, match="somebody else"):
        check_private(tmp_path / "file")


def test_a_draft_is_never_written_through_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A symbolic link at the place of the draft is refused: what it points to stays as it is."""
    monkeypatch.setattr("composer.store.threading.get_native_id", lambda: 7)
    victim = tmp_path / "victim"
    victim.write_text("as it was")
    (tmp_path / ".state.7").symlink_to(victim)
    with pytest.raises(OSError, match="symbolic links"):
        write_bytes(tmp_path / "state", b"secret")
    assert victim.read_text() == "as it was"


def test_a_link_is_removed_and_what_it_points_to_stays(tmp_path: Path) -> None:
    """Removing a tree removes a link in its place, not what is behind it."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    remove_tree(tmp_path / "link")
    remove_tree(tmp_path / "link")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
