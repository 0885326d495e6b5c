"""What an earlier boot of the kernel has left."""

from __future__ import annotations

from pathlib import Path

import pytest

from composer.commands.resume import pending
from composer.errors import ComposerError
from composer.observed import Container
from composer.store import Places, write_json
from composer.supervisor.verbs import _of_record


def test_a_container_whose_description_nobody_can_read_any_more_is_told_by_who_starts_it(tmp_path: Path) -> None:
    """The others of the machine come back; left out without a word it would be missed late."""
    places = Places(tmp_path / "root", tmp_path / "run").project("abc")
    one = Container("c1", "shop-web-1", "web", 1, status="running", started_at=1.0, boot="earlier")
    write_json(places.container("c1").record, one.to_json())
    write_json(places.container("c1").service, {"of": "another version"})
    assert pending(places) == ["shop-web-1"]


def test_a_project_that_another_version_has_described_is_an_error_with_a_way_out() -> None:
    """For `start`, `restart` and whoever else goes by it; no traceback."""
    with pytest.raises(ComposerError, match="another version"):
        _of_record({"name": "shop", "of": "another version"})
