"""Folders for the temporary files of programs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from composer.images.scratch import scratch
from composer.store import Places


def test_a_folder_goes_with_its_program(tmp_path: Path) -> None:
    """It stays while a program that inherited its lock runs, and the next one sweeps it when that was killed."""
    places = Places(tmp_path / "root", tmp_path / "run")
    with scratch(places) as first:
        (first.folder / "file").write_text("x")
        left = subprocess.Popen(["sleep", "100"], pass_fds=[first.lock])
    with left:
        assert first.folder.is_dir()
        with scratch(places) as second:
            assert {first.folder, second.folder} == set(places.scratch.iterdir())
        assert list(places.scratch.iterdir()) == [first.folder]
        left.kill()
    with scratch(places) as third:
        assert list(places.scratch.iterdir()) == [third.folder]
        assert third.env == {"TMPDIR": os.fspath(third.folder)}
    assert not list(places.scratch.iterdir())
