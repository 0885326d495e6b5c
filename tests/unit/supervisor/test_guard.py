"""The guard's guess whether it is needed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from composer.supervisor.guard import is_served

DEAD = 2**22 + 1  # above any pid (proc(5), pid_max)


@pytest.mark.parametrize(("guard", "called", "served"), [
    (os.getpid(), "/shop", True), (os.getpid(), "/other", False), (os.getpid(), "", False), (DEAD, "/shop", False),
])
def test_a_project_is_served_while_a_guard_lives_that_was_called_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, guard: int, called: str, served: bool
) -> None:
    """Else the supervisor's imports are begun before the compose files are read."""
    monkeypatch.setenv("COMPOSER_RUN", str(tmp_path))
    (tmp_path / "images").mkdir()
    (tmp_path / "networks.lock").touch()
    (tmp_path / "0f").mkdir()
    (tmp_path / "0f" / "guard.json").write_text(json.dumps({"guard": guard, "called": "/shop"}))
    assert is_served(called) is served


def test_without_any_project_none_is_served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nor where the file is none of ours."""
    monkeypatch.setenv("COMPOSER_RUN", str(tmp_path / "missing"))
    assert not is_served("/shop")
    monkeypatch.setenv("COMPOSER_RUN", str(tmp_path))
    (tmp_path / "0f").mkdir()
    (tmp_path / "0f" / "guard.json").write_text("not json")
    assert not is_served("/shop")
