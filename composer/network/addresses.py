"""Which addresses, names and MACs composer uses. Pure: the host's routes and the environment are arguments.

A pool is cut in sixteen: networks get /24s (or a whole part, of a small pool) from the first fifteen, uplinks pairs from the last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from ipaddress import IPv4Address, IPv4Network

from composer.errors import NetworkError
from composer.model.network import Network, Subnet
from composer.observed import NetworkState

#: Tried in this order; away from what Docker (172.16.0.0/12, 192.168.0.0/16), libvirt, home routers and clouds take first.
DEFAULT_POOLS = tuple(map(IPv4Network, (
    "10.211.0.0/16", "10.223.0.0/16", "10.247.0.0/16", "10.83.0.0/16", "172.30.0.0/16", "172.27.0.0/16", "192.168.208.0/20",
)))

#: A route this wide is a default route in disguise (VPNs split 0.0.0.0/0 in two): nobody can be away from it.
WIDEST_ROUTE = 8

POOL_HINT = "set COMPOSER_ADDRESS_POOL to a private range that this machine does not use, for example 10.99.0.0/16"


def parse_pools(setting: str) -> tuple[IPv4Network, ...]:
    """The pools of COMPOSER_ADDRESS_POOL (separated by commas), or the default ones when it is empty."""
    try:
        pools = tuple(IPv4Network(part.strip()) for part in setting.split(",") if part.strip())
    except ValueError as error:
        raise NetworkError(f"COMPOSER_ADDRESS_POOL: {error}", hint=POOL_HINT) from error
    for pool in pools:
        if pool.prefixlen > 24:
            raise NetworkError(f"COMPOSER_ADDRESS_POOL: {pool} is too small, /24 is the smallest", hint=POOL_HINT)
    return pools or DEFAULT_POOLS


def choose_pool(pools: Sequence[IPv4Network], routes: Iterable[IPv4Network]) -> IPv4Network:
    """The first pool that no route of the host leads into."""
    narrow = [route for route in routes if route.prefixlen >= WIDEST_ROUTE]
    for pool in pools:
        if not any(pool.overlaps(route) for route in narrow):
            return pool
    raise NetworkError(f"no address pool is free: the host has routes into {', '.join(map(str, pools))}", hint=POOL_HINT)


def free_uplink(pool: IPv4Network, taken: Iterable[IPv4Address]) -> tuple[IPv4Address, IPv4Address]:
    """A pair of addresses (RFC 3021) for the host's and the project's end; `taken` are the host's ends of other projects."""
    used = {int(address) | 1 for address in taken}
    last = _parts(pool)[-1]
    for pair in last.subnets(new_prefix=31):
        if int(pair[1]) not in used:
            return pair[0], pair[1]
    raise NetworkError(f"no address is left in {last} for another project's uplink", hint=POOL_HINT)


def project_end(host_end: IPv4Address) -> IPv4Address:
    """The other address of an uplink's pair."""
    return host_end + 1


def plan(
    network: Network, others: Sequence[NetworkState], pool: IPv4Network, fingerprint: str, *, elsewhere: Sequence[str] = ()
) -> NetworkState:
    """A network's bridge, MAC and addresses: those of `ipam.config`, else the pool's first subnet that `others`, and if possible those
    `elsewhere`, leave free."""
    asked = next((config for config in network.ipam if config.subnet or config.gateway or config.ip_range), Subnet())
    where = f"networks.{network.key}"
    taken = {IPv4Network(other.subnet): other.name for other in others if other.key != network.key}
    avoided = [IPv4Network(other) for other in elsewhere]
    subnet = _fixed(where, asked.subnet, taken) if asked.subnet else _free_subnet(where, pool, taken, avoided)
    gateway = _inside(where, "gateway", asked.gateway, subnet) or subnet[1]
    if asked.ip_range and not _network(f"{where}.ipam.config.ip_range", asked.ip_range).subnet_of(subnet):
        raise NetworkError(f"{where}.ipam.config.ip_range: {asked.ip_range} is not part of {subnet}")
    return NetworkState(network.key, network.name, bridge_name(network.key), mac(gateway), str(subnet), str(gateway), network.internal,
                        fingerprint, asked.ip_range or "", tuple(asked.aux_addresses.values()), labels=network.labels)


def adopt(network: Network, found: NetworkState, others: Sequence[NetworkState]) -> NetworkState:
    """A project's part of a network that it shares with others: a bridge of its own with the same addresses and MAC."""
    for other in others:
        if other.key != network.key and IPv4Network(other.subnet).overlaps(IPv4Network(found.subnet)):
            raise NetworkError(f"networks.{network.key}: {found.subnet} of {found.name} overlaps {other.subnet} of network {other.name}",
                               hint="give one of them another subnet (ipam.config), or take the project down and up, which chooses anew")
    return replace(found, key=network.key, bridge=bridge_name(network.key))


def bridge_name(key: str) -> str:
    """`br-KEY`, shortened with a digest where the kernel's 15 characters do not hold it."""
    name = f"br-{key}"
    return name if len(name) <= 15 else f"{name[:8]}-{sha256(key.encode()).hexdigest()[:6]}"


def mac(address: IPv4Address) -> str:
    """Locally administered and made from the address: an address that is used again is reached by the MAC that neighbours remember."""
    return ":".join(f"{octet:02x}" for octet in (0x02, 0x42, *address.packed))


def _parts(pool: IPv4Network) -> list[IPv4Network]:
    return list(pool.subnets(prefixlen_diff=4))


def _subnets(pool: IPv4Network) -> Iterator[IPv4Network]:
    for part in _parts(pool)[:-1]:
        yield from part.subnets(new_prefix=max(24, part.prefixlen))


def _free_subnet(where: str, pool: IPv4Network, taken: Iterable[IPv4Network], avoided: Sequence[IPv4Network]) -> IPv4Network:
    own = tuple(taken)
    for others in ((*own, *avoided), own):
        for subnet in _subnets(pool):
            if not any(subnet.overlaps(other) for other in others):
                return subnet
    raise NetworkError(f"{where}: no subnet is left in the address pool {pool}", hint=POOL_HINT)


def _fixed(where: str, text: str, taken: dict[IPv4Network, str]) -> IPv4Network:
    subnet = _network(f"{where}.ipam.config.subnet", text)
    if subnet.prefixlen > 30:
        raise NetworkError(f"{where}.ipam.config.subnet: {subnet} has no room for a gateway and a container, /30 is the smallest")
    for other, name in taken.items():
        if subnet.overlaps(other):
            raise NetworkError(f"{where}.ipam.config.subnet: {subnet} overlaps {other} of network {name}")
    return subnet


def _inside(where: str, what: str, text: str | None, subnet: IPv4Network) -> IPv4Address | None:
    if not text:
        return None
    try:
        address = IPv4Address(text)
    except ValueError as error:
        raise NetworkError(f"{where}.ipam.config.{what}: {error}") from error
    if address not in subnet or address in (subnet.network_address, subnet.broadcast_address):
        raise NetworkError(f"{where}.ipam.config.{what}: {address} is not an address of {subnet}")
    return address


def _network(where: str, text: str) -> IPv4Network:
    try:
        return IPv4Network(text, strict=False)
    except ValueError as error:
        raise NetworkError(f"{where}: {text} is not an IPv4 network", hint="networks with IPv6 subnets are not possible yet") from error
