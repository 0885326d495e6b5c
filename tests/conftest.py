"""For all tests: what needs root is skipped without it, and the very last test looks for what the others left on the host."""

from __future__ import annotations

import os

import pytest

from tests.host_state import HostState, look

LAST = "tests/test_nothing_left.py"
NEED_ROOT = ("tests/integration/", "tests/e2e/", LAST)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.nodeid.startswith(LAST))
    if os.geteuid() == 0:
        return
    for item in items:
        if item.nodeid.startswith(NEED_ROOT) or item.get_closest_marker("root"):
            item.add_marker(pytest.mark.skip(reason="needs root"))


@pytest.fixture(scope="session", autouse=True)
def host_before() -> HostState:
    """The host as it was before the first test."""
    return look() if os.geteuid() == 0 else {}
