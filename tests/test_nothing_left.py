from __future__ import annotations

from tests.eventually import eventually
from tests.host_state import HostState, left


def test_the_suite_leaves_nothing_on_the_host(host_before: HostState) -> None:
    """Namespaces, links, mounts, cgroups, packet rules, processes and folders are as they were before the first test."""
    assert host_before["links"], "the reading before the tests is empty: this test would always pass"

    def clean() -> bool:
        assert left(host_before) == {}
        return True

    eventually(clean, timeout=5)
