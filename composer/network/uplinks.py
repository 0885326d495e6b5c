"""The one link between a project's namespace and the host. A veth pair is one way to have it; rootless, `pasta` is to be another.

The host's end has a name made from the project's hash, so it is found again whatever was lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from pathlib import Path
from typing import Protocol

from composer.errors import NetworkError
from composer.network import sysctls
from composer.network.addresses import free_uplink, mac, project_end
from composer.network.links import address_of, names, netlink
from composer.network.namespaces import Namespace, apart, opened
from composer.network.rtnetlink import ADVERTISED, End
from composer.store import locked

#: The project's end, in its namespace.
PROJECT_LINK = "uplink"
#: An uplink's IPv6 addresses end with its IPv4 ones.
_UPLINKS6 = IPv6Network("fdc0:6d70::/64")
HOST_LINK = re.compile(r"cmp[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Ends:
    """The addresses of both ends."""

    host: IPv4Address
    project: IPv4Address

    @property
    def host6(self) -> IPv6Address:
        return _UPLINKS6[int(self.host)]

    @property
    def project6(self) -> IPv6Address:
        return _UPLINKS6[int(self.project)]


class Uplink(Protocol):
    """What joins the project to the outside."""

    @property
    def link(self) -> str:
        """The host's end."""

    def ends(self) -> Ends | None:
        """None when it is not there, or not whole."""

    def ensure(self) -> Ends:
        """Make it, or make a half-made one anew; a whole one stays as it is."""

    def open_ipv6(self) -> None:
        """A way out for IPv6 as well, where the host has one and forwarding does it no harm."""

    def remove(self) -> None: ...


@dataclass(frozen=True, slots=True)
class VethUplink:
    """`pool` says which pool the address comes from; `lock` is a file that all projects of this host share."""

    hash: str
    namespace: Namespace
    pool: Callable[[], IPv4Network]
    lock: Path

    @property
    def link(self) -> str:
        return f"cmp{self.hash[:12]}"

    def ends(self) -> Ends | None:
        host = address_of(self.link)
        if host is None or not self.namespace.exists():
            return None
        inside = self.namespace.run(lambda: address_of(PROJECT_LINK))
        return Ends(host, inside) if inside == project_end(host) else None

    def ensure(self) -> Ends:
        ends = self.ends()
        if ends is None:
            with locked(self.lock):
                ends = self._make()
        else:  # whoever gave it its addresses may have been killed before the rest
            self.namespace.run(lambda: self._project_side(ends))
        sysctls.put(sysctls.UPLINK, link=self.link)
        return ends

    def open_ipv6(self) -> None:
        ends = whole(self.ends())
        if not apart(_forwards_ipv6):
            return
        sysctls.put({**sysctls.WITH_IPV6, "ipv6/conf/{link}/forwarding": "1"}, link=self.link)
        apart(lambda: _add_address(self.link, IPv6Interface((ends.host6, 127))))
        self.namespace.run(lambda: _way_out(ends))

    def remove(self) -> None:
        if self.link in names():
            apart(self._remove)

    def _remove(self) -> None:
        with netlink(f"uplink {self.link}") as links:
            links.remove(self.link)

    def _make(self) -> Ends:
        others = (address_of(name) for name in composer_links(names() - {self.link}))
        ends = Ends(*free_uplink(self.pool(), (address for address in others if address)))
        with opened(self.namespace.path) as netns:
            apart(lambda: self._host_side(ends, netns))
        self.namespace.run(lambda: self._project_side(ends))
        return ends

    def _host_side(self, ends: Ends, netns: int) -> None:
        with netlink(f"uplink {self.link}") as links:
            mtu = links.default_mtu()
            links.add_veth(End(self.link, mac(ends.host)), End(PROJECT_LINK, mac(ends.project), namespace=netns), mtu)
            sysctls.put(sysctls.UPLINK, link=self.link)
            link = links.find(self.link)
            links.add_address(link, IPv4Interface((ends.host, 31)))
            links.up(link)

    def _project_side(self, ends: Ends) -> None:
        with netlink("the project's uplink") as links:
            link = links.find(PROJECT_LINK)
            links.add_address(link, IPv4Interface((ends.project, 31)))
            links.up(link)
            links.default_route(link, str(ends.host))


def _forwards_ipv6() -> bool:
    """Whether the host forwards IPv6 by now. It is switched on only where no default route came by a router advertisement: the kernel would
    forget that one (ip-sysctl, accept_ra)."""
    with netlink("the host's IPv6 routes") as links:
        origins = links.default_routes6()
    if not origins or (sysctls.get("ipv6/conf/all/forwarding") != "1" and ADVERTISED in origins):
        return False
    sysctls.put({"ipv6/conf/all/forwarding": "1"})
    return True


def _add_address(name: str, address: IPv6Interface) -> None:
    with netlink(f"uplink {name}") as links:
        links.add_address(links.find(name), address)


def _way_out(ends: Ends) -> None:
    sysctls.put(sysctls.WITH_IPV6, link=PROJECT_LINK)
    with netlink("the project's uplink") as links:
        link = links.find(PROJECT_LINK)
        links.add_address(link, IPv6Interface((ends.project6, 127)))
        links.default_route(link, str(ends.host6))


def composer_links(among: Iterable[str]) -> list[str]:
    """The uplinks of all projects on this host."""
    return [name for name in among if HOST_LINK.fullmatch(name)]


def host_routes() -> list[IPv4Network]:
    """Where the host's routes lead, those into projects left out."""

    def read() -> list[IPv4Network]:
        with netlink("the host's routes") as links:
            return [destination for link, destination in links.routes() if not HOST_LINK.fullmatch(link)]

    return apart(read)


def whole(ends: Ends | None) -> Ends:
    """Ends that have to be there."""
    if ends is None:
        raise NetworkError("the project's uplink is not there", hint="run `composer up`")
    return ends
