"""The names of running containers, as each of them sees them: by the rules of Docker's embedded resolver.

A client is known by its address, finds what shares a network with it, and gets one address a container. What the zone does not
know is None: somebody else's to answer.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, ip_address, ip_network

from composer.observed import Container, Endpoint, NetworkState

#: Seconds; replicas come and go, and a client that asks again gets the next one first.
TTL = 1
Wanted = Callable[[Container, Endpoint], bool]
#: A network's full name, which ones -> running containers of other projects that are on it, each with its end there.
Neighbours = Callable[[str, Wanted], Iterable[tuple[Container, Endpoint]]]
HOST_NAMES = frozenset({"host.docker.internal", "gateway.docker.internal"})
_REVERSE, _REVERSE6 = ".in-addr.arpa", ".ip6.arpa"


@dataclass(frozen=True, slots=True)
class Answer:
    """The name exists. `values` are addresses for A, names with a final dot for PTR; none for a type that it does not have."""

    values: tuple[str, ...] = ()
    ttl: int = TTL


@dataclass(frozen=True, slots=True)
class _Member:
    """One container's end on one network."""

    id: str
    address: str
    address6: str
    names: frozenset[str]
    reverse: str


@dataclass(frozen=True, slots=True)
class _Client:
    """Who asks: the networks of its container, its `links` (alias -> service), the servers that it wants asked for the rest (`dns`)."""

    networks: tuple[str, ...]
    links: Mapping[str, str]
    servers: tuple[str, ...]


class Zone:
    """Names and addresses of the running containers of a project. One thread only. `neighbours` knows those of other projects on the
    networks that they share with this one, by the network's name."""

    def __init__(self, host_address: str = "", neighbours: Neighbours | None = None) -> None:
        self.host_address = host_address
        self._neighbours = neighbours
        self._networks: dict[str, NetworkState] = {}
        self._members: dict[str, dict[str, _Member]] = defaultdict(dict)  # network -> container -> its end there
        self._names: dict[str, dict[str, list[_Member]]] = defaultdict(lambda: defaultdict(list))  # network -> name -> ends
        self._clients: dict[str, _Client] = {}  # by address
        self._turns: Counter[str] = Counter()

    def add(self, container: Container, networks: Mapping[str, NetworkState], *, links: Mapping[str, str] | None = None,
            servers: tuple[str, ...] = ()) -> None:
        """Make a container's names known, before it starts: it may ask for others at once. `networks` are the project's, by key;
        `links` (alias -> service) and `servers` are for its own questions."""
        self.remove(container.id)
        known = {alias.lower(): service.lower() for alias, service in (links or {}).items()}
        client = _Client(tuple(endpoint.network for endpoint in container.endpoints), known, servers)
        for endpoint in container.endpoints:
            network = self._networks[endpoint.network] = networks[endpoint.network]
            member = _member(container, endpoint, network)
            self._members[endpoint.network][container.id] = member
            self._clients[member.address] = client
            for name in member.names:
                self._names[endpoint.network][name].append(member)

    def remove(self, id_: str) -> None:
        """Forget a container, by its full id; one that is unknown is fine."""
        for key, members in self._members.items():
            member = members.pop(id_, None)
            if member is None:
                continue
            self._clients.pop(member.address, None)
            for name in member.names:
                self._names[key][name].remove(member)
                if not self._names[key][name]:
                    del self._names[key][name]
                    self._turns.pop(name, None)

    def answer(self, client: str, name: str, kind: str) -> Answer | None:
        """What to answer `client` (an IPv4 address) about `name` and a record type ("A", "AAAA", "PTR"...); None: not ours.

        Several addresses come in another order each time. A name of ours without a record of that type is an empty Answer, never
        a "no such name": musl takes that for the whole name.
        """
        name = name.rstrip(".").lower()
        if name in HOST_NAMES and self.host_address:
            return Answer((self.host_address,) if kind in ("A", "ANY") else ())
        if name.endswith((_REVERSE, _REVERSE6)):
            return self._reverse(client, name, kind)
        found = self._find(client, name)
        if not found:
            return None
        addresses = tuple(one for _, member in sorted(found.items()) if (one := member.address6 if kind == "AAAA" else member.address))
        return Answer(self._rotated(name, addresses) if kind in ("A", "AAAA", "ANY") and addresses else ())

    def may_forward(self, client: str) -> bool:
        """Whether what we do not know may be asked outside: not for a client that is on internal networks only.

        Docker's resolver answers such a client SERVFAIL (moby, `libnetwork/resolver.go`, proxyDNS).
        """
        keys = self._networks_of(client)
        return not keys or not all(self._networks[key].internal for key in keys)

    def servers_of(self, client: str) -> tuple[str, ...]:
        """Whom to ask for what we do not know; none for the host's own servers."""
        known = self._clients.get(client)
        return known.servers if known else ()

    def holds(self, address: str) -> bool:
        """Whether an address lies in one of the networks with containers."""
        return any(True for _ in _around(address, self._networks.values()))

    def _networks_of(self, client: str) -> tuple[str, ...]:
        """The networks of the container with this address, else the network that the address lies in."""
        known = self._clients.get(client)
        return known.networks if known is not None else tuple(_around(client, self._networks.values()))

    def _find(self, client: str, name: str) -> dict[str, _Member]:
        """By container, one end each, on the networks that the client is on: of NAME, else of NAME.NETWORK."""
        keys, asker = self._networks_of(client), self._clients.get(client)
        name = asker.links.get(name, name) if asker else name
        found = {member.id: member for key in reversed(keys) for member in self._named(key, name)}
        if not found and "." in name:
            found = {member.id: member for key in reversed(keys)
                     for member in self._named(key, name.removesuffix(f".{self._networks[key].name.lower()}"))}
        return found

    def _named(self, key: str, name: str) -> Iterable[_Member]:
        names = self._names.get(key)
        own = names.get(name, ()) if names else ()
        return [*own, *self._others(key, lambda container, end: name in _names(container, end))]

    def _others(self, key: str, wanted: Wanted) -> list[_Member]:
        network = self._networks[key]
        return [_member(*one, network) for one in self._neighbours(network.name, wanted)] if self._neighbours else []

    def _rotated(self, name: str, addresses: tuple[str, ...]) -> tuple[str, ...]:
        if len(addresses) == 1:
            return addresses
        first = self._turns[name] % len(addresses)
        self._turns[name] += 1
        return addresses[first:] + addresses[:first]

    def _reverse(self, client: str, name: str, kind: str) -> Answer | None:
        address = _address_of(name)
        for key in self._networks_of(client):
            for member in (*self._members[key].values(), *self._others(key, lambda _, end: address in _addresses(end))):
                if address in (member.address, member.address6):
                    return Answer((member.reverse,) if kind in ("PTR", "ANY") else ())
        return None


def _member(container: Container, endpoint: Endpoint, network: NetworkState) -> _Member:
    return _Member(container.id, *_addresses(endpoint), _names(container, endpoint), f"{container.name}.{network.name}.")


def _names(container: Container, endpoint: Endpoint) -> frozenset[str]:
    """A one-off container answers to its own name only, unless aliases were asked for: it is no replica of its service."""
    names = {container.name, container.id[:12], *endpoint.aliases}
    if not container.oneoff:
        names.add(container.service)
    return frozenset(name.lower() for name in names)


def _addresses(endpoint: Endpoint) -> tuple[str, str]:
    """Of both families, without their prefixes."""
    return endpoint.address.partition("/")[0], endpoint.address6.partition("/")[0]


def _address_of(name: str) -> str:
    """What a reverse name asks about, as it is written; "nothing" for nonsense."""
    if name.endswith(_REVERSE):
        return ".".join(reversed(name.removesuffix(_REVERSE).split(".")))
    digits = "".join(reversed(name.removesuffix(_REVERSE6).split(".")))
    try:
        return str(IPv6Address(int(digits, 16))) if len(digits) == 32 else "nothing"
    except ValueError:
        return "nothing"


def _around(client: str, networks: Iterable[NetworkState]) -> Iterable[str]:
    try:
        address = ip_address(client)
    except ValueError:
        return []
    subnets = {network.key: ip_network(network.subnet) for network in networks}
    return [key for key, subnet in subnets.items() if isinstance(subnet, IPv4Network) and address in subnet]
