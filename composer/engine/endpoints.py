"""Which address, MAC and interface name a new container gets on each of its networks. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network

from composer.errors import NetworkError
from composer.model.network import Attachment
from composer.model.service import Service
from composer.observed import Container, Endpoint, NetworkState


def plan_endpoints(
    id_: str,
    wanted: Mapping[str, Attachment],
    networks: Mapping[str, NetworkState],
    containers: Iterable[Container],
    mac: str | None = None,
    *,
    promised: Collection[str] = (),
    elsewhere: Collection[str] = (),
) -> tuple[Endpoint, ...]:
    """Interfaces are numbered in order of priority, then name; the default route goes to the highest `gw_priority` of
    those that lead outside (compose-field: networks). `mac` is the first one's, unless its attachment has another. `promised` are addresses
    that go to nobody who does not ask for them, `elsewhere` those of other projects' containers on shared networks."""
    taken = {end.address.split("/")[0] for one in containers for end in one.endpoints} | set(elsewhere)
    gateway = _gateway_network(wanted, networks)
    ordered = sorted(wanted.items(), key=lambda item: (-item[1].priority, item[0]))
    if ordered and mac and not ordered[0][1].mac_address:
        ordered[0] = (ordered[0][0], ordered[0][1].model_copy(update={"mac_address": mac}))
    return tuple(
        _endpoint(f"v{id_[:11]}{index}", f"eth{index}", attachment, networks[key], taken, promised, default_route=key == gateway)
        for index, (key, attachment) in enumerate(ordered)
    )


def promise(asked: Iterable[tuple[str, Service]], there: Iterable[Container]) -> dict[str, str]:
    """Address -> container, of the containers to be made that ask for one. NetworkError when two want the same one, or it is taken."""
    given = {end.address.split("/")[0]: one.name for one in there for end in one.endpoints}
    promised: dict[str, str] = {}
    for name, service in asked:
        for key, attachment in service.networks.items():
            address = attachment.ipv4_address
            if not address:
                continue
            holder = promised.get(address) or given.get(address, name)
            if holder != name:
                raise NetworkError(f"services.{service.name}.networks.{key}.ipv4_address: {address} is that of container {holder}",
                                   hint="every container needs an address of its own")
            promised[address] = name
    return promised


def _gateway_network(wanted: Mapping[str, Attachment], networks: Mapping[str, NetworkState]) -> str | None:
    outside = [(-attachment.gw_priority, key) for key, attachment in wanted.items() if not networks[key].internal]
    return min(outside)[1] if outside else None


def _endpoint(
    peer: str, interface: str, attachment: Attachment, network: NetworkState, taken: set[str], promised: Collection[str], *,
    default_route: bool,
) -> Endpoint:
    subnet = IPv4Network(network.subnet)
    address = attachment.ipv4_address or next((one for one in _candidates(network) if one not in taken and one not in promised), None)
    if address is None:
        raise NetworkError(
            f"network {network.name}: no free address left in {network.subnet}", hint="give it a larger subnet (ipam.config)"
        )
    if IPv4Address(address) not in subnet:
        raise NetworkError(
            f"network {network.name}: {address} is not in its subnet {network.subnet}",
            hint="give the network a subnet that holds the address (ipam.config)",
        )
    if IPv4Address(address) in (IPv4Address(network.gateway), subnet.network_address, subnet.broadcast_address):
        raise NetworkError(f"network {network.name}: {address} is no container's: the gateway's, or that of the network itself")
    if attachment.ipv4_address in taken:
        raise NetworkError(f"network {network.name}: {address} is taken by another container")
    taken.add(address)
    mac = attachment.mac_address or _mac(address)
    return Endpoint(network.key, interface, peer, f"{address}/{subnet.prefixlen}", network.gateway, mac, attachment.aliases, default_route)


def _candidates(network: NetworkState) -> Iterator[str]:
    pool = IPv4Network(network.ip_range or network.subnet)
    return (str(one) for one in pool.hosts() if str(one) not in (network.gateway, *network.reserved))


def _mac(address: str) -> str:
    """Docker's form: 02:42 and the address, so that an address that is used again has its MAC again."""
    return ":".join(f"{octet:02x}" for octet in (0x02, 0x42, *IPv4Address(address).packed))
