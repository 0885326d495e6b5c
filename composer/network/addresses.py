"""Which addresses, names and MACs composer uses. Pure: the host's routes and the environment are arguments.

A pool is cut in sixteen: networks get /24s (or a whole part, of a small pool) from the first fifteen, uplinks pairs from the last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from ipaddress import IPv4Address, IPv4Network

from composer.errors import NetworkError

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


def bridge_name(key: str) -> str:
    """`br-KEY`, shortened with a digest where the kernel's 15 characters do not hold it."""
    name = f"br-{key}"
    return name if len(name) <= 15 else f"{name[:8]}-{sha256(key.encode()).hexdigest()[:6]}"


def mac(address: IPv4Address) -> str:
    """Locally administered and made from the address: an address that is used again is reached by the MAC that neighbours remember."""
    return ":".join(f"{octet:02x}" for octet in (0x02, 0x42, *address.packed))


def _parts(pool: IPv4Network) -> list[IPv4Network]:
    return list(pool.subnets(prefixlen_diff=4))


def network_subnets(pool: IPv4Network) -> Iterator[IPv4Network]:
    """What networks get of a pool, in the order in which it is given."""
    for part in _parts(pool)[:-1]:
        yield from part.subnets(new_prefix=max(24, part.prefixlen))
