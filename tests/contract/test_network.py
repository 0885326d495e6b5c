"""What composer.host.Network promises, kept by the fake and by the sandbox on the real kernel alike."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from composer.errors import NetworkError
from composer.host import Network as Driver
from composer.model.network import Network, Subnet
from composer.network.ports import release
from composer.observed import NetworkState, Publication
from tests.fakes import FakeNetwork
from tests.network_world import world

DRIVERS = ["fake", pytest.param("real", marks=pytest.mark.skipif(os.geteuid() != 0, reason="needs root"))]
FREE_PORT = 18473


@pytest.fixture(params=DRIVERS)
def driver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """Without a sandbox yet."""
    if request.param == "fake":
        fake = FakeNetwork()
        yield fake
        fake.close()
        return
    with world(tmp_path) as made:
        project = made.project("contract")
        project.network.remove_sandbox()
        yield project.network


def planned(driver: Driver, key: str, *others: NetworkState, **fields: Any) -> NetworkState:
    return driver.plan_network(Network(key=key, name=f"shop_{key}", **fields), others, "mark")


class TestNetwork:
    def test_a_sandbox_is_made_and_removed_any_number_of_times(self, driver: Driver) -> None:
        """Done already: nothing."""
        assert not driver.sandbox_exists()
        for _ in range(2):
            driver.create_sandbox()
            assert driver.sandbox_exists()
        for _ in range(2):
            driver.remove_sandbox()
            assert not driver.sandbox_exists()

    def test_planning_touches_nothing_and_avoids_the_others(self, driver: Driver) -> None:
        """Names fit the kernel; no two networks have the same subnet; what the file says is kept."""
        driver.create_sandbox()
        front = planned(driver, "front")
        back = planned(driver, "back", front, internal=True)
        assert len({front.subnet, back.subnet}) == len({front.bridge, back.bridge}) == len({front.mac, back.mac}) == 2
        assert (front.key, front.name, front.fingerprint, back.internal) == ("front", "shop_front", "mark", True)
        assert len(front.bridge) <= 15
        assert planned(driver, "own", ipam=(Subnet(subnet="192.168.77.0/24"),)).subnet == "192.168.77.0/24"
        assert driver.bridges() == frozenset()

    def test_networks_are_made_and_removed_any_number_of_times(self, driver: Driver) -> None:
        """`bridges` says what is really there."""
        driver.create_sandbox()
        front = planned(driver, "front")
        for _ in range(2):
            driver.create_network(front)
            assert driver.bridges() == {front.bridge}
        for _ in range(2):
            driver.remove_network(front)
            assert driver.bridges() == frozenset()

    def test_a_network_without_a_sandbox_is_refused(self, driver: Driver) -> None:
        """In the driver's own kind of error."""
        driver.create_sandbox()
        front = planned(driver, "front")
        driver.remove_sandbox()
        with pytest.raises(NetworkError):
            driver.create_network(front)

    def test_removing_the_sandbox_takes_its_networks_along(self, driver: Driver) -> None:
        """And nothing comes back with a new one."""
        driver.create_sandbox()
        driver.create_network(planned(driver, "front"))
        driver.remove_sandbox()
        driver.create_sandbox()
        assert driver.bridges() == frozenset()

    def test_ports_are_reserved_all_or_none(self, driver: Driver) -> None:
        """A port that is ours already keeps the others of the same call free."""
        (first,) = driver.reserve([Publication("", FREE_PORT, 80)])
        try:
            with pytest.raises(NetworkError):
                driver.reserve([Publication("", FREE_PORT + 1, 80), Publication("", FREE_PORT, 80)])
            (second,) = driver.reserve([Publication("", FREE_PORT + 1, 80)])
            release(second)
        finally:
            release(first)
        (again,) = driver.reserve([Publication("", FREE_PORT, 80)])
        release(again)

    def test_a_free_port_and_one_of_a_range_are_found(self, driver: Driver) -> None:
        """The reservation says which; the order is the asker's."""
        asked = [Publication("", 0, 80), Publication("", FREE_PORT, 81, "tcp", FREE_PORT + 3), Publication("", FREE_PORT, 82, "udp")]
        got = driver.reserve(asked)
        try:
            assert [one.publication.container_port for one in got] == [80, 81, 82]
            assert got[0].publication.host_port > 0
            assert FREE_PORT <= got[1].publication.host_port <= FREE_PORT + 3
            assert [one.publication.host_port_last for one in got] == [0, 0, 0]
            assert got[2].publication.protocol == "udp"
        finally:
            for one in got:
                release(one)

    def test_taking_away_what_is_not_there_is_fine(self, driver: Driver) -> None:
        """With and without a sandbox."""
        driver.unpublish("nobody")
        driver.detach(())
        driver.create_sandbox()
        driver.unpublish("nobody")
        driver.remove_network(planned(driver, "never"))

    def test_the_uplink_has_two_ends(self, driver: Driver) -> None:
        """The host's and the project's."""
        driver.create_sandbox()
        assert driver.host_address() != driver.forward_address()
