"""Which addresses, MAC and interface name a new container gets on each of its networks. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from ipaddress import IPv4Address, ip_address, ip_network
from itertools import islice

from composer.errors import NetworkError
from composer.model.network import Attachment
from composer.model.service import Service
from composer.observed import Container, Endpoint, NetworkState

#: Settings of an interface (`net.ipv4.conf.IFNAME.log_martians=1,...`), and its name, by `driver_opts` of an attachment.
SYSCTLS, IFNAME = "com.docker.network.endpoint.sysctls", "com.docker.network.endpoint.ifname"
#: Of a subnet of 64 bits nobody counts to the end.
MOST = 1 << 16


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
    taken = {address.split("/")[0] for one in containers for end in one.endpoints for address in (end.address, end.address6)}
    taken |= set(elsewhere)
    gateways = _gateway_network(wanted, networks, 4), _gateway_network(wanted, networks, 6)
    ordered = sorted(wanted.items(), key=lambda item: (-item[1].priority, item[0]))
    if ordered and mac and not ordered[0][1].mac_address:
        ordered[0] = (ordered[0][0], ordered[0][1].model_copy(update={"mac_address": mac}))
    interfaces = _interfaces([attachment for _, attachment in ordered])
    return tuple(
        _endpoint(f"v{id_[:11]}{index}", interface, attachment, networks[key], (taken, promised), (key == gateways[0], key == gateways[1]))
        for index, ((key, attachment), interface) in enumerate(zip(ordered, interfaces, strict=True))
    )


def promise(asked: Iterable[tuple[str, Service]], there: Iterable[Container]) -> dict[str, str]:
    """Address -> container, of the containers to be made that ask for one. NetworkError when two want the same one, or it is taken."""
    ends = [(end, one.name) for one in there for end in one.endpoints]
    given = {address.split("/")[0]: name for end, name in ends for address in (end.address, end.address6) if address}
    promised: dict[str, str] = {}
    for name, service in asked:
        for where, address in _fixed(service):
            holder = promised.get(address) or given.get(address, name)
            if holder != name:
                raise NetworkError(f"services.{service.name}.networks.{where}: {address} is that of container {holder}",
                                   hint="every container needs an address of its own")
            promised[address] = name
    return promised


def _fixed(service: Service) -> Iterator[tuple[str, str]]:
    """(path, address) of what a service asks for."""
    for key, attachment in service.networks.items():
        if attachment.ipv4_address:
            yield f"{key}.ipv4_address", attachment.ipv4_address
        if attachment.ipv6_address:
            yield f"{key}.ipv6_address", str(ip_address(attachment.ipv6_address))


def _gateway_network(wanted: Mapping[str, Attachment], networks: Mapping[str, NetworkState], version: int) -> str | None:
    outside = [(-attachment.gw_priority, key) for key, attachment in wanted.items()
               if not networks[key].internal and (version == 4 or networks[key].subnet6)]
    return min(outside)[1] if outside else None


def _interfaces(attachments: list[Attachment]) -> list[str]:
    """eth0, eth1... by their place, where none is asked for."""
    asked = [one.interface_name or one.driver_opts.get(IFNAME) or "" for one in attachments]
    names = [name or f"eth{index}" for index, name in enumerate(asked)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise NetworkError(f"two networks are to have the interface {twice}", hint="interface_name has to differ")
    return names


def _endpoint(
    peer: str,
    interface: str,
    attachment: Attachment,
    network: NetworkState,
    others: tuple[set[str], Collection[str]],
    routes: tuple[bool, bool],
) -> Endpoint:
    """`others`: addresses that are taken, and that are promised; `routes`: whether the default route goes by it, IPv4 and IPv6."""
    address = _address(network, 4, attachment.ipv4_address, *others)
    address6 = _address(network, 6, attachment.ipv6_address, *others) if network.subnet6 else ""
    if attachment.ipv6_address and not network.subnet6:
        raise NetworkError(f"network {network.name}: {attachment.ipv6_address} is asked for, and the network has no IPv6",
                           hint="enable_ipv6: true")
    mac = attachment.mac_address or _mac(address.partition("/")[0])
    return Endpoint(
        network.key, interface, peer, address, network.gateway, mac, attachment.aliases, routes[0], address6, network.gateway6, routes[1],
        tuple(f"{one}/{64 if ':' in one else 16}" for one in attachment.link_local_ips), _sysctls(attachment),
    )


def _address(network: NetworkState, version: int, asked: str | None, taken: set[str], promised: Collection[str]) -> str:
    """The one that is asked for, if it can be had, else the first that is free; with its prefix."""
    subnet_text, gateway, range_ = (
        (network.subnet, network.gateway, network.ip_range) if version == 4 else (network.subnet6, network.gateway6, network.ip_range6))
    subnet = ip_network(subnet_text)
    if asked:
        address = str(ip_address(asked))
        if ip_address(address) not in subnet:
            raise NetworkError(f"network {network.name}: {address} is not in its subnet {subnet_text}",
                               hint="give the network a subnet that holds the address (ipam.config)")
        if ip_address(address) in (ip_address(gateway), subnet.network_address, subnet.broadcast_address):
            raise NetworkError(f"network {network.name}: {address} is no container's: the gateway's, or that of the network itself")
        if address in taken:
            raise NetworkError(f"network {network.name}: {address} is taken by another container")
    else:
        kept = {gateway, *(str(ip_address(one)) for one in network.reserved)}
        free = (str(one) for one in islice(ip_network(range_ or subnet_text, strict=False).hosts(), MOST))
        found = next((one for one in free if one not in kept and one not in taken and one not in promised), None)
        if found is None:
            raise NetworkError(f"network {network.name}: no free address left in {subnet_text}",
                               hint="give it a larger subnet (ipam.config)")
        address = found
    taken.add(address)
    return f"{address}/{subnet.prefixlen}"


def _sysctls(attachment: Attachment) -> dict[str, str]:
    """`net.ipv4.conf.IFNAME.log_martians=1` -> the file below /proc/sys/net, with {link} for the interface."""
    pairs = (word.strip().partition("=") for word in attachment.driver_opts.get(SYSCTLS, "").split(",") if word.strip())
    return {name.removeprefix("net.").replace(".", "/").replace("/IFNAME/", "/{link}/"): value for name, _, value in pairs}


def _mac(address: str) -> str:
    """Docker's form: 02:42 and the address, so that an address that is used again has its MAC again."""
    return ":".join(f"{octet:02x}" for octet in (0x02, 0x42, *IPv4Address(address).packed))
