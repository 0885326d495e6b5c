"""Networks that projects share: their names become folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from composer.engine import sharing
from composer.errors import NetworkError
from composer.observed import NetworkState
from composer.store import Places


@pytest.mark.parametrize("name", ["../../escaped", "a/b", ".."])
def test_a_name_that_leads_elsewhere_is_not_shared(tmp_path: Path, name: str) -> None:
    """Whichever project has chosen it; nothing is written."""
    places = Places(tmp_path / "root", tmp_path / "run")
    network = NetworkState("front", name, "br-front", "02:42:0a:00:00:01", "10.0.0.0/24", "10.0.0.1", False, "", owner="a" * 8)
    with pytest.raises(NetworkError, match="cannot be shared"):
        sharing.join(places.project("b" * 8), network, network)
    assert list(tmp_path.rglob("*")) == []
