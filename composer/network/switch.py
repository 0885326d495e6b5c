"""What joins the bridges of a network that several projects share: a bridge in a namespace of its own, and a veth pair, the trunk, into
the namespace of each member.

    project one:  br-front ---- trunk ---+          +--- trunk ---- br-proxy  :project two
                                         switch (RUN/networks/NAME/netns)

All members' bridges have the gateway's address and MAC; what they say themselves does not pass a trunk (`firewall`), so that each container
has the gateway of its own project: its way out, its published ports and its resolver are the project's own.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from composer.network import sysctls
from composer.network.links import LOOPBACK, names, netlink
from composer.network.namespaces import Namespace, opened
from composer.network.rtnetlink import End
from composer.store import NetworkPlaces, Places, ProjectPlaces, locked, read_json

#: How trunks are called in the namespaces of the members.
TRUNK = "trunk-"
HALF = "half-"
BRIDGE = "switch"


@dataclass(frozen=True, slots=True)
class Switch:
    """The switch of the network `name`. Every call may be repeated, and made by any member for any other."""

    top: Places
    name: str

    def connect(self, member: ProjectPlaces) -> None:
        """Connect a member's bridge; nothing when it is no member, its bridge is not there now, or this has been done."""
        mark = read_json(self._places.members / member.hash)
        inside = Namespace(member.netns)
        if mark is None or not inside.exists():
            return
        bridge = mark["bridge"]
        there = inside.run(names)
        if bridge in there and trunk_name(self.name) not in there:
            with locked(self._lock):
                self._make()
                self._plug(member, inside, bridge)

    def remove(self) -> None:
        """Nothing while it has members."""
        with locked(self._lock):
            with suppress(FileNotFoundError):
                if any(self._places.members.iterdir()):
                    return
            self._namespace.remove()
            for folder in (self._places.run, self._places.run.parent):
                with suppress(OSError):
                    folder.rmdir()

    @property
    def _places(self) -> NetworkPlaces:
        return self.top.network(self.name)

    @property
    def _lock(self) -> Path:
        return self.top.run / "switches.lock"

    @property
    def _namespace(self) -> Namespace:
        return Namespace(self._places.netns)

    def _make(self) -> None:
        if not self._namespace.exists():
            self._namespace.make()
        self._namespace.run(_make_bridge)

    def _plug(self, member: ProjectPlaces, inside: Namespace, bridge: str) -> None:
        """The trunk has its name from the moment on in which it is whole."""
        trunk, mtu = trunk_name(self.name), inside.run(lambda: _mtu(bridge))
        with opened(inside.path) as netns:
            self._namespace.run(lambda: _add_port(f"m{member.hash}", f"{HALF}{trunk[-9:]}", netns, mtu))
        inside.run(lambda: _take_in(f"{HALF}{trunk[-9:]}", trunk, bridge))


def trunk_name(network: str) -> str:
    return f"{TRUNK}{sha256(network.encode()).hexdigest()[:9]}"


def _make_bridge() -> None:
    sysctls.put(sysctls.SWITCH)
    with netlink("the switch of a shared network") as links:
        links.up(LOOPBACK)
        if BRIDGE not in names():
            links.up(links.add_bridge(BRIDGE, mac="02:42:00:00:00:01", mtu=LOOPBACK.mtu - 1))


def _mtu(bridge: str) -> int:
    with netlink(f"bridge {bridge}") as links:
        return links.find(bridge).mtu


def _add_port(port: str, peer: str, netns: int, mtu: int) -> None:
    with netlink("the trunk of a shared network") as links:
        links.add_veth(End(port, master=links.find(BRIDGE).index), End(peer, namespace=netns), mtu)


def _take_in(half: str, trunk: str, bridge: str) -> None:
    with netlink("the trunk of a shared network") as links:
        links.finish_port(links.find(half), trunk, links.find(bridge))
