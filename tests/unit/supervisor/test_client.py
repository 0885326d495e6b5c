"""The command line's end of the socket."""

from __future__ import annotations

import pytest

import composer
from composer.supervisor.client import is_older


@pytest.mark.parametrize(("theirs", "ours", "older"), [
    ("0.9.0", "0.10.0", True), ("0.10.0", "0.10.0", False), ("1.0", "0.10.0", False), ("", "0.1.0", True), ("0.1.0", "0.1.0.dev1", True),
])
def test_versions_are_compared_by_their_numbers(monkeypatch: pytest.MonkeyPatch, theirs: str, ours: str, older: bool) -> None:
    """One that does not say its version is older than any that does."""
    monkeypatch.setattr(composer, "__version__", ours)
    assert is_older(theirs) is older
