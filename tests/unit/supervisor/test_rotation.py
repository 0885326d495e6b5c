"""How logs move along."""

from __future__ import annotations

from pathlib import Path

import pytest

from composer.supervisor.rotation import _move_along


@pytest.mark.parametrize(("files", "left"), [
    (1, {}),
    (2, {"log.1": "new"}),
    (3, {"log.1": "new", "log.2": "older"}),
    (5, {"log.1": "new", "log.2": "older", "log.3": "oldest"}),
])
def test_the_oldest_goes(tmp_path: Path, files: int, left: dict[str, str]) -> None:
    """With the new one there are as many as asked for; missing ones are fine."""
    for name, text in (("log", "new"), ("log.1", "older"), ("log.2", "oldest")):
        (tmp_path / name).write_text(text)
    if files < 3:
        (tmp_path / "log.2").unlink()
    if files < 2:
        (tmp_path / "log.1").unlink()
    _move_along(tmp_path / "log", files)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == left
