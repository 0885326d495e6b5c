"""What a network is made of: its subnets, gateways, bridge and options. Pure: the pool and the machine's number are arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from composer.errors import NetworkError
from composer.model.network import Network, Subnet
from composer.network.addresses import POOL_HINT, bridge_name, mac, network_subnets
from composer.observed import NetworkState

#: Options of Docker's bridge driver, `com.docker.network.` in front.
MTU, ICC, BRIDGE = "driver.mtu", "bridge.enable_icc", "bridge.name"
_OPTION = "com.docker.network."

AnyNetwork = IPv4Network | IPv6Network


def plan(
    network: Network, others: Sequence[NetworkState], pool: IPv4Network, fingerprint: str, *,
    elsewhere: Sequence[str] = (), machine: str = "",
) -> NetworkState:
    """Addresses as `ipam.config` has them, else the first subnet that `others`, and if possible those `elsewhere`, leave free. `machine`
    tells this machine's IPv6 subnets (RFC 4193) from another's."""
    where = f"networks.{network.key}"
    own = [other for other in others if other.key != network.key]
    asked = _config(network, where, 4)
    taken: dict[AnyNetwork, str] = {IPv4Network(other.subnet): other.name for other in own}
    avoided = [IPv4Network(other) for other in elsewhere if ":" not in other]
    subnet = _fixed(where, asked.subnet, taken) if asked.subnet else _free(where, partial(network_subnets, pool), taken, avoided)
    gateway = _inside(where, "gateway", asked.gateway, subnet) or subnet[1]
    state = NetworkState(
        network.key, network.name, _bridge(network, own, where), mac(IPv4Address(gateway)), str(subnet), str(gateway), network.internal,
        fingerprint, _range(where, asked.ip_range, subnet), tuple(asked.aux_addresses.values()), labels=network.labels,
        driver_opts=network.driver_opts, mtu=_mtu(network.driver_opts, where),
        isolated=network.driver_opts.get(_OPTION + ICC, "true").lower() in ("false", "0"),
    )
    return _with_ipv6(state, network, own, [one for one in elsewhere if ":" in one], machine) if network.enable_ipv6 else state


def _with_ipv6(state: NetworkState, network: Network, own: Sequence[NetworkState], elsewhere: Sequence[str], machine: str) -> NetworkState:
    where = f"networks.{network.key}"
    asked = _config(network, where, 6)
    taken: dict[AnyNetwork, str] = {IPv6Network(other.subnet6): other.name for other in own if other.subnet6}
    avoided = [IPv6Network(other) for other in elsewhere]
    free = partial(local_subnets, machine, network.name)
    subnet = _fixed(where, asked.subnet, taken) if asked.subnet else _free(where, free, taken, avoided)
    gateway = _inside(where, "gateway", asked.gateway, subnet) or subnet[1]
    reserved = (*state.reserved, *asked.aux_addresses.values())
    return replace(state, subnet6=str(subnet), gateway6=str(gateway), ip_range6=_range(where, asked.ip_range, subnet), reserved=reserved)


def local_subnets(machine: str, name: str) -> Iterator[IPv6Network]:
    """Unique local subnets (RFC 4193): 40 bits of the machine's, 16 that begin with the network's name's."""
    site = int.from_bytes(sha256(machine.encode()).digest()[:5], "big")
    first = int.from_bytes(sha256(name.encode()).digest()[:2], "big")
    for number in range(1 << 16):
        yield IPv6Network((0xFD << 120 | site << 80 | (first + number & 0xFFFF) << 64, 64))


def adopt(network: Network, found: NetworkState, others: Sequence[NetworkState]) -> NetworkState:
    """A project's part of a network that it shares with others: a bridge of its own with the same addresses and MAC."""
    for other in others:
        if other.key != network.key and IPv4Network(other.subnet).overlaps(IPv4Network(found.subnet)):
            raise NetworkError(f"networks.{network.key}: {found.subnet} of {found.name} overlaps {other.subnet} of network {other.name}",
                               hint="give one of them another subnet (ipam.config), or take the project down and up, which chooses anew")
    return replace(found, key=network.key, bridge=bridge_name(network.key))


def _config(network: Network, where: str, version: int) -> Subnet:
    """The entry of `ipam.config` for IPv4 or IPv6; two of one kind are too many for a bridge, as for Docker's."""
    found = [one for one in network.ipam if _version(where, one) == version]
    if len([one for one in found if one.subnet]) > 1:
        raise NetworkError(f"{where}.ipam.config: more than one IPv{version} subnet", hint="a bridge has one of each kind")
    return found[0] if found else Subnet()


def _version(where: str, config: Subnet) -> int:
    text = config.subnet or config.gateway or config.ip_range or next(iter(config.aux_addresses.values()), "0.0.0.0")
    try:
        return ip_address(text.partition("/")[0]).version
    except ValueError as error:
        raise NetworkError(f"{where}.ipam.config: {error}") from error


def _bridge(network: Network, others: Iterable[NetworkState], where: str) -> str:
    name = network.driver_opts.get(_OPTION + BRIDGE) or bridge_name(network.key)
    for other in others:
        if other.bridge == name:
            raise NetworkError(f"{where}.driver_opts: {name} is the bridge of network {other.name}")
    return name


def _mtu(options: Mapping[str, str], where: str) -> int:
    text = options.get(_OPTION + MTU) or options.get("mtu") or "0"
    if not text.isdecimal() or (int(text) and not 68 <= int(text) <= 65535):
        raise NetworkError(f"{where}.driver_opts: {text!r} is no MTU")
    return int(text)


def _free(
    where: str, candidates: Callable[[], Iterable[AnyNetwork]], taken: Iterable[AnyNetwork], avoided: Sequence[AnyNetwork]
) -> AnyNetwork:
    own = tuple(taken)
    for others in ((*own, *avoided), own):
        for subnet in candidates():
            if not any(_overlap(subnet, other) for other in others):
                return subnet
    raise NetworkError(f"{where}: no subnet is left in the address pool", hint=POOL_HINT)


def _fixed(where: str, text: str, taken: Mapping[AnyNetwork, str]) -> AnyNetwork:
    subnet = _network(f"{where}.ipam.config.subnet", text)
    if subnet.num_addresses < 4:
        raise NetworkError(f"{where}.ipam.config.subnet: {subnet} has no room for a gateway and a container, "
                           f"/{subnet.max_prefixlen - 2} is the smallest")
    for other, name in taken.items():
        if _overlap(subnet, other):
            raise NetworkError(f"{where}.ipam.config.subnet: {subnet} overlaps {other} of network {name}")
    return subnet


def _overlap(one: AnyNetwork, other: AnyNetwork) -> bool:
    return one.version == other.version and one[0] <= other[-1] and other[0] <= one[-1]  # type: ignore[operator]  # of one version


def _range(where: str, text: str | None, subnet: AnyNetwork) -> str:
    if not text:
        return ""
    found = _network(f"{where}.ipam.config.ip_range", text)
    if found.version != subnet.version or found[0] not in subnet or found[-1] not in subnet:
        raise NetworkError(f"{where}.ipam.config.ip_range: {text} is not part of {subnet}")
    return text


def _inside(where: str, what: str, text: str | None, subnet: AnyNetwork) -> IPv4Address | IPv6Address | None:
    if not text:
        return None
    try:
        address = ip_address(text)
    except ValueError as error:
        raise NetworkError(f"{where}.ipam.config.{what}: {error}") from error
    if address not in subnet or address in (subnet.network_address, subnet.broadcast_address):
        raise NetworkError(f"{where}.ipam.config.{what}: {address} is not an address of {subnet}")
    return address


def _network(where: str, text: str) -> AnyNetwork:
    try:
        return ip_network(text, strict=False)
    except ValueError as error:
        raise NetworkError(f"{where}: {text} is not a network") from error
