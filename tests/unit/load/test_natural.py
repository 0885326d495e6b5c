"""The order of keys in YAML."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.load.config_hash import config_hash
from composer.load.natural import compare, ordered
from tests.compose_folder import Folder


@pytest.mark.parametrize("keys", [
    ["web", "web-1", "web_1", "web2", "web10"],
    ["_C", "1", "2", "10", "A", "A.b", "A_1", "A1", "A1b", "A1_", "A01", "A2", "A10", "B", "B_A", "BA", "a", "é"],
    ["a-c", "a.b", "a_d", "ab"],
    ["z_", "z1", "za"],
    ["a7", "a70", "a700"],
])
def test_order(keys: list[str]) -> None:
    """What docker compose 2.40.3 prints."""
    assert ordered(reversed(keys)) == keys


def test_long_numbers() -> None:
    """Numbers of any length are compared."""
    assert ordered(["n" + "9" * 6000, "n1" + "0" * 6000]) == ["n" + "9" * 6000, "n1" + "0" * 6000]


@given(st.text(alphabet="ab_-01239é", max_size=8), st.text(alphabet="ab_-01239é", max_size=8))
def test_one_is_before_the_other(one: str, other: str) -> None:
    """Two different keys never count as the same, and the order does not depend on who asks."""
    assert (compare(one, other) < 0) == (compare(other, one) > 0)
    assert (compare(one, other) == 0) == (one == other)


def test_printed_naturally_and_hashed_as_ever(folder: Folder) -> None:
    """`config` prints A_B before AB and 2 before 10, the hash takes them as Go's JSON does."""
    service = folder.service("environment: {A10: a, A2: b, AB: c, A_B: d}", normalize=True)
    assert list(service["environment"]) == ["A_B", "A2", "A10", "AB"]
    assert config_hash(service) == config_hash({**service, "environment": dict(sorted(service["environment"].items()))})
