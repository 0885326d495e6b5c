"""The address plan: pools, subnets, uplinks, names, MACs."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.errors import NetworkError
from composer.model.network import Network, Subnet
from composer.network.addresses import DEFAULT_POOLS, bridge_name, choose_pool, free_uplink, mac, parse_pools, project_end
from composer.network.design import adopt, plan
from composer.observed import NetworkState

POOL = IPv4Network("10.211.0.0/16")


def network(key: str = "front", *, internal: bool = False, **config: str) -> Network:
    return Network(key=key, name=f"shop_{key}", internal=internal, ipam=(Subnet(**config),) if config else ())  # type: ignore[arg-type]


def planned(count: int, pool: IPv4Network = POOL) -> list[NetworkState]:
    states: list[NetworkState] = []
    for number in range(count):
        states.append(plan(network(f"n{number}"), states, pool, "f"))
    return states


def test_pools_come_from_the_environment() -> None:
    """COMPOSER_ADDRESS_POOL replaces the default pools; empty, they stay; nonsense is an error with its name."""
    assert parse_pools("") == DEFAULT_POOLS
    assert parse_pools("10.99.0.0/16, 10.98.0.0/20") == (IPv4Network("10.99.0.0/16"), IPv4Network("10.98.0.0/20"))
    for wrong in ("10.99.0.0/33", "10.99.0.1/16", "lan", "10.0.0.0/25"):
        with pytest.raises(NetworkError, match="COMPOSER_ADDRESS_POOL"):
            parse_pools(wrong)


@pytest.mark.parametrize(("routes", "chosen"), [
    ((), 0),
    (("10.0.0.0/24",), 0),
    (("10.211.3.0/24",), 1),
    (("10.0.0.0/8",), 4),
    (("10.0.0.0/8", "172.16.0.0/12"), 6),
    (("0.0.0.0/1", "128.0.0.0/1"), 0),
])
def test_pool_is_the_first_without_a_route_into_it(routes: Sequence[str], chosen: int) -> None:
    """Wider and narrower routes both count; halves of everything, as VPNs set them, do not."""
    assert choose_pool(DEFAULT_POOLS, map(IPv4Network, routes)) == DEFAULT_POOLS[chosen]


def test_no_free_pool_is_an_error_with_a_way_out() -> None:
    """The hint names the variable."""
    with pytest.raises(NetworkError) as caught:
        choose_pool((POOL,), [POOL])
    assert "COMPOSER_ADDRESS_POOL" in caught.value.hint


def test_uplinks_are_pairs_that_do_not_meet() -> None:
    """Each project gets the next pair; taken ends are skipped; a full pool is an error."""
    taken: list[IPv4Address] = []
    for _ in range(8):
        host, project = free_uplink(IPv4Network("10.9.9.0/24"), taken)
        assert project == project_end(host)
        assert host not in taken
        taken.append(host)
    with pytest.raises(NetworkError, match="no address is left"):
        free_uplink(IPv4Network("10.9.9.0/24"), taken)


@given(st.integers(min_value=8, max_value=24))
def test_networks_and_uplinks_are_disjoint_in_every_pool(prefix: int) -> None:
    """Fifteen networks fit into the smallest pool; none overlaps another or an uplink, and each has a gateway."""
    pool = IPv4Network(f"10.0.0.0/{prefix}")
    subnets = [IPv4Network(state.subnet) for state in planned(15, pool)]
    uplink = free_uplink(pool, ())[0]
    assert all(subnet.subnet_of(pool) and uplink not in subnet for subnet in subnets)
    assert not any(one.overlaps(other) for index, one in enumerate(subnets) for other in subnets[:index])


def test_networks_get_the_first_free_subnet() -> None:
    """One after another; a gap is filled; a network planned again does not stand in its own way."""
    states = planned(3)
    assert [state.subnet for state in states] == ["10.211.0.0/24", "10.211.1.0/24", "10.211.2.0/24"]
    assert plan(network("late"), [states[0], states[2]], POOL, "f").subnet == "10.211.1.0/24"
    assert plan(network("n0"), states, POOL, "f").subnet == "10.211.0.0/24"


def test_plan_is_whole() -> None:
    """Everything that create_network needs is in it."""
    assert plan(network(internal=True), (), POOL, "print") == NetworkState(
        "front", "shop_front", "br-front", "02:42:0a:d3:00:01", "10.211.0.0/24", "10.211.0.1", True, "print", "")


def test_fixed_addresses_are_kept() -> None:
    """Subnet, gateway and range as the file has them."""
    state = plan(network(subnet="192.168.7.0/24", gateway="192.168.7.254", ip_range="192.168.7.128/25"), (), POOL, "f")
    assert (state.subnet, state.gateway, state.ip_range) == ("192.168.7.0/24", "192.168.7.254", "192.168.7.128/25")
    assert state.mac == "02:42:c0:a8:07:fe"


@pytest.mark.parametrize(("config", "message"), [
    ({"subnet": "10.211.0.0/25"}, "overlaps 10.211.0.0/24 of network shop_n0"),
    ({"subnet": "10.5.0.0/31"}, "no room"),
    ({"subnet": "10.5.0.0/99"}, "not a network"),
    ({"subnet": "10.5.0.0/24", "gateway": "10.6.0.1"}, "gateway: 10.6.0.1 is not an address of 10.5.0.0/24"),
    ({"subnet": "10.5.0.0/24", "gateway": "10.5.0.255"}, "is not an address of"),
    ({"subnet": "10.5.0.0/24", "ip_range": "10.6.0.0/25"}, "ip_range: 10.6.0.0/25 is not part of"),
])
def test_wrong_fixed_addresses_are_refused(config: dict[str, str], message: str) -> None:
    """The message begins with the place in the file."""
    with pytest.raises(NetworkError) as caught:
        plan(network(**config), planned(1), POOL, "f")
    assert caught.value.message.startswith("networks.front.ipam.config.")
    assert message in caught.value.message


def test_a_full_pool_is_an_error() -> None:
    """The sixteenth network does not fit into the smallest pool."""
    with pytest.raises(NetworkError, match="no subnet is left"):
        planned(16, IPv4Network("10.9.9.0/24"))


@given(st.lists(st.text("abcdefghijklmnopqrstuvwxyz0123456789._-", min_size=1, max_size=40), unique=True, min_size=2, max_size=20))
def test_bridge_names_fit_and_differ(keys: list[str]) -> None:
    """15 characters is all that the kernel has for a name."""
    names = [bridge_name(key) for key in keys]
    assert all(len(name) <= 15 and name.startswith("br-") for name in names)
    assert len(set(names)) == len(keys)


def test_mac_is_the_address() -> None:
    """Locally administered, unicast, and the same each time."""
    assert mac(IPv4Address("10.211.0.2")) == "02:42:0a:d3:00:02"


def test_subnets_of_other_projects_are_avoided_as_long_as_possible() -> None:
    """Any two networks of a machine can be joined; when the pool has no other, a subnet is used once more in another project."""
    assert plan(network("a"), (), POOL, "f", elsewhere=["10.211.0.0/24", "10.211.2.0/24"]).subnet == "10.211.1.0/24"
    everything = [str(subnet) for subnet in POOL.subnets(new_prefix=24)]
    own = plan(network("a"), (), POOL, "f")
    assert plan(network("b"), [own], POOL, "f", elsewhere=everything).subnet == "10.211.1.0/24"


def test_a_shared_network_has_the_same_addresses_on_a_bridge_of_ones_own() -> None:
    """Subnet, gateway and MAC are the network's, key and bridge the project's; it is refused where it overlaps one of its own."""
    theirs = plan(network("front", subnet="10.9.0.0/24"), (), POOL, "f")
    mine = adopt(network("site"), theirs, ())
    assert (mine.key, mine.bridge, mine.subnet, mine.gateway, mine.mac) == ("site", "br-site", "10.9.0.0/24", "10.9.0.1", theirs.mac)
    with pytest.raises(NetworkError, match=r"networks\.site: 10\.9\.0\.0/24 of shop_front overlaps"):
        adopt(network("site"), theirs, [plan(network("own", subnet="10.9.0.128/25"), (), POOL, "f")])


def test_ipv6_beside_ipv4() -> None:
    """A subnet of the machine's own where none is given, another one for each network; only with enable_ipv6."""
    six = Network(key="six", name="shop_six", enable_ipv6=True)
    state = plan(six, (), POOL, "f", machine="this one")
    assert state.subnet == "10.211.0.0/24"
    assert state.subnet6.startswith("fd")
    assert state.gateway6 == str(ip_network(state.subnet6)[1])
    assert plan(six, (), POOL, "f", machine="another").subnet6 != state.subnet6
    assert plan(six, (), POOL, "f", machine="this one", elsewhere=[state.subnet6]).subnet6 != state.subnet6
    fixed = six.model_copy(update={"ipam": (Subnet(subnet="2001:db8::/64", ip_range="2001:db8::8000/113"), Subnet(subnet="10.5.0.0/24"))})
    state = plan(fixed, (), POOL, "f")
    assert (state.subnet, state.subnet6, state.gateway6, state.ip_range6) == (
        "10.5.0.0/24", "2001:db8::/64", "2001:db8::1", "2001:db8::8000/113")
    assert not plan(fixed.model_copy(update={"enable_ipv6": False}), (), POOL, "f").subnet6
    with pytest.raises(NetworkError, match="more than one IPv4 subnet"):
        plan(network().model_copy(update={"ipam": (Subnet(subnet="10.5.0.0/24"), Subnet(subnet="10.6.0.0/24"))}), (), POOL, "f")


def test_options_of_dockers_bridge_driver() -> None:
    """MTU, containers apart, the bridge's name, which two networks cannot have."""
    options = {"com.docker.network.driver.mtu": "1400", "com.docker.network.bridge.enable_icc": "false",
               "com.docker.network.bridge.name": "mine0"}
    state = plan(network().model_copy(update={"driver_opts": options}), (), POOL, "f")
    assert (state.mtu, state.isolated, state.bridge) == (1400, True, "mine0")
    with pytest.raises(NetworkError, match="mine0 is the bridge of network shop_front"):
        plan(network("back").model_copy(update={"driver_opts": options}), [state], POOL, "f")
    with pytest.raises(NetworkError, match="no MTU"):
        plan(network().model_copy(update={"driver_opts": {"mtu": "12"}}), (), POOL, "f")
