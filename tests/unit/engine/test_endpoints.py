"""Which address, MAC and interface a new container gets."""

from __future__ import annotations

from typing import Any

import pytest

from composer.engine.endpoints import plan_endpoints, promise
from composer.errors import NetworkError
from composer.model.network import Attachment
from composer.model.service import Service
from composer.observed import Container, Endpoint, NetworkState

ID = "c0ffee" * 10


def network(key: str, number: int = 0, **fields: Any) -> NetworkState:
    return NetworkState(
        **{
            "key": key,
            "name": f"shop_{key}",
            "bridge": f"br-{key}",
            "mac": "",
            "subnet": f"10.0.{number}.0/24",
            "gateway": f"10.0.{number}.1",
            "internal": False,
            "fingerprint": "f",
            **fields,
        }
    )


FRONT, BACK = network("front"), network("back", 1)


def plan(wanted: dict[str, Attachment], *networks: NetworkState, taken: tuple[str, ...] = ()) -> tuple[Endpoint, ...]:
    there = tuple(
        Container(f"c{index}", f"c{index}", "s", index, endpoints=(Endpoint("front", "eth0", "v", f"{one}/24", "", ""),))
        for index, one in enumerate(taken)
    )
    return plan_endpoints(ID, wanted, {one.key: one for one in networks or (FRONT, BACK)}, there)


def test_the_first_free_address_that_is_not_the_gateways() -> None:
    """Addresses of all containers of the project are taken, whether they run or not."""
    (end,) = plan({"front": Attachment()}, taken=("10.0.0.2", "10.0.0.4"))
    assert (end.address, end.gateway, end.interface) == ("10.0.0.3/24", "10.0.0.1", "eth0")


def test_the_mac_follows_from_the_address() -> None:
    """Docker's form: who gets the address again has the MAC again."""
    assert plan({"front": Attachment()})[0].mac == "02:42:0a:00:00:02"
    assert plan({"front": Attachment(mac_address="02:00:00:00:00:09")})[0].mac == "02:00:00:00:00:09"


def test_peer_names_are_the_containers_own_and_fit_the_kernel() -> None:
    """15 characters at most, one a network."""
    peers = [end.peer for end in plan({"front": Attachment(), "back": Attachment()})]
    assert len(set(peers)) == 2
    assert all(len(peer) <= 15 and ID[:8] in peer for peer in peers)


def test_interfaces_are_numbered_by_priority_then_name() -> None:
    """The specification: networks, priority."""
    plain = plan({"front": Attachment(), "back": Attachment()})
    assert [(end.network, end.interface) for end in plain] == [("back", "eth0"), ("front", "eth1")]
    ordered = plan({"front": Attachment(priority=5), "back": Attachment()})
    assert [end.network for end in ordered] == ["front", "back"]


def test_the_default_route_leads_outside() -> None:
    """Never into an internal network; the highest gw_priority wins, then the name."""
    inside = network("back", 1, internal=True)
    assert [end.default_route for end in plan({"front": Attachment(), "back": Attachment()}, FRONT, inside)] == [False, True]
    assert [end.default_route for end in plan({"front": Attachment(gw_priority=1), "back": Attachment()})] == [False, True]
    assert [end.default_route for end in plan({"back": Attachment()}, inside)] == [False]


def test_a_fixed_address_is_kept_and_checked() -> None:
    """In the subnet, and nobody else's."""
    assert plan({"front": Attachment(ipv4_address="10.0.0.77")})[0].address == "10.0.0.77/24"
    with pytest.raises(NetworkError, match="is not in its subnet"):
        plan({"front": Attachment(ipv4_address="10.9.0.77")})
    with pytest.raises(NetworkError, match="taken by another container"):
        plan({"front": Attachment(ipv4_address="10.0.0.2")}, taken=("10.0.0.2",))


def test_addresses_come_from_the_ip_range() -> None:
    """`ipam.config.ip_range`; the rest of the subnet is for fixed addresses."""
    assert plan({"front": Attachment()}, network("front", ip_range="10.0.0.64/30"))[0].address == "10.0.0.65/24"


def test_a_full_network_says_so() -> None:
    """Two hosts fit a /30, one is the gateway."""
    small = network("front", subnet="10.0.0.0/30")
    with pytest.raises(NetworkError, match=r"network shop_front: no free address left in 10\.0\.0\.0/30"):
        plan({"front": Attachment()}, small, taken=("10.0.0.2",))


def test_aliases_go_with_the_endpoint() -> None:
    """The zone reads them from the record."""
    assert plan({"front": Attachment(aliases=("www",))})[0].aliases == ("www",)


def test_reserved_addresses_are_given_to_nobody() -> None:
    """`ipam.config.aux_addresses` belong to machines that composer does not know."""
    (end,) = plan_endpoints(ID, {"front": Attachment()}, {"front": network("front", reserved=("10.0.0.2",))}, ())
    assert end.address == "10.0.0.3/24"


def asking(name: str, address: str | None) -> tuple[str, Service]:
    return f"shop-{name}-1", Service(name=name, image="i", networks={"front": Attachment(ipv4_address=address)})


def test_a_promised_address_is_for_who_asks() -> None:
    """Others get the next one, whoever comes first."""
    wanted, networks = {"front": Attachment()}, {"front": FRONT}
    assert plan_endpoints(ID, wanted, networks, (), promised=["10.0.0.2"])[0].address == "10.0.0.3/24"
    asked = {"front": Attachment(ipv4_address="10.0.0.2")}
    assert plan_endpoints(ID, asked, networks, (), promised=["10.0.0.2"])[0].address == "10.0.0.2/24"


def test_an_address_is_promised_once() -> None:
    """Two that ask for one address, and one that asks for another's, are told; a container's own successor is not."""
    assert promise([asking("a", "10.0.0.9"), asking("b", None)], ()) == {"10.0.0.9": "shop-a-1"}
    with pytest.raises(NetworkError, match=r"10\.0\.0\.9 is that of container shop-a-1"):
        promise([asking("a", "10.0.0.9"), asking("b", "10.0.0.9")], ())
    there = Container("c", "shop-a-1", "a", 1, endpoints=(Endpoint("front", "eth0", "v", "10.0.0.9/24", "", ""),))
    assert promise([asking("a", "10.0.0.9")], [there])
    with pytest.raises(NetworkError, match="shop-a-1"):
        promise([asking("b", "10.0.0.9")], [there])


@pytest.mark.parametrize("address", ["10.0.0.0", "10.0.0.1", "10.0.0.255"])
def test_some_addresses_are_no_containers(address: str) -> None:
    """Those of the network, of the gateway and for broadcasts."""
    with pytest.raises(NetworkError, match="no container's"):
        plan({"front": Attachment(ipv4_address=address)})


def test_ipv6_interfaces_and_settings() -> None:
    """Addresses of both families, each with its own default route; names and settings of interfaces as asked for."""
    six = network("six", subnet6="fd00:1::/64", gateway6="fd00:1::1")
    wanted = {
        "four": Attachment(gw_priority=1, interface_name="lan0"),
        "six": Attachment(link_local_ips=("169.254.1.1", "fe80::5"), driver_opts={
            "com.docker.network.endpoint.sysctls": "net.ipv4.conf.IFNAME.log_martians=1, net.ipv6.conf.IFNAME.mtu=1300"}),
    }
    four, both = plan_endpoints("a" * 64, wanted, {"four": network("four", 9), "six": six}, ())
    assert (four.interface, four.address6, four.default_route, four.default_route6) == ("lan0", "", True, False)
    assert (both.interface, both.address6, both.default_route, both.default_route6) == ("eth1", "fd00:1::2/64", False, True)
    assert both.link_local == ("169.254.1.1/16", "fe80::5/64")
    assert both.sysctls == {"ipv4/conf/{link}/log_martians": "1", "ipv6/conf/{link}/mtu": "1300"}
    with pytest.raises(NetworkError, match="has no IPv6"):
        plan_endpoints("a" * 64, {"n": Attachment(ipv6_address="fd00:1::9")}, {"n": network("n")}, ())
    with pytest.raises(NetworkError, match="interface lan0"):
        twice = {key: Attachment(interface_name="lan0") for key in ("a", "b")}
        plan_endpoints("a" * 64, twice, {"a": network("a"), "b": network("b", 9)}, ())


def test_addresses_of_other_projects_on_a_shared_network_are_taken() -> None:
    """`elsewhere` is left out, and nobody can ask for one of it."""
    (end,) = plan_endpoints("a" * 64, {"n": Attachment()}, {"n": network("n")}, (), elsewhere=["10.0.0.2"])
    assert end.address.startswith("10.0.0.3/")
    with pytest.raises(NetworkError, match="taken"):
        plan_endpoints("a" * 64, {"n": Attachment(ipv4_address="10.0.0.2")}, {"n": network("n")}, (), elsewhere=["10.0.0.2"])
