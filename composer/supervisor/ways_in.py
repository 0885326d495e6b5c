"""What the supervisor serves on sockets beside its own: the project's resolver, and the forwarding from IPv6 (`::1` cannot be routed)."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass, field

from composer.engine.ports import Ports
from composer.errors import NetworkError
from composer.host import Host, Reservation
from composer.observed import Container
from composer.supervisor.dns import Resolver
from composer.supervisor.forward import Forward, forward
from composer.supervisor.holdings import Holdings, port_key
from composer.supervisor.upstream import Inside, Upstream
from composer.supervisor.zone import Zone


@dataclass(slots=True)
class WaysIn:
    host: Host
    holdings: Holdings
    ports: Ports
    zone: Zone
    resolver: Resolver | None = None
    forwards: dict[str, Forward] = field(default_factory=dict)
    closing: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve_names(self) -> None:
        """Answer at 127.0.0.11 of the project's namespace, on the sockets that the guard has or on new ones."""
        if self.resolver:
            return
        sockets = self.holdings.sockets("dns")
        if not sockets:
            sockets = list(self.host.network.resolver_sockets())
            self.holdings.hold("dns", sockets)
        self.zone.host_address = self.host.network.host_address()
        udp, tcp = (one if one.type == kind else None for one, kind in zip(sockets, (socket.SOCK_DGRAM, socket.SOCK_STREAM), strict=True))
        if udp is None or tcp is None:
            raise NetworkError("the resolver's sockets are not a UDP and a TCP one")
        for one in (udp, tcp):
            one.setblocking(False)
        self.resolver = Resolver(self.zone, Upstream(inside=Inside(self.zone.holds, self.host.network.open_socket)))
        await self.resolver.start(udp, tcp)

    async def stop_names(self) -> None:
        if self.resolver:
            await self.resolver.close()
            self.resolver = None
        self.holdings.drop("dns")

    async def forward(self, container: Container) -> None:
        """Begin to forward for the container's publications that have an IPv6 socket, unless that is done already."""
        for reservation in self.ports.held.get(container.name, ()):
            key = port_key(container.name, reservation)
            if reservation.forward is None or key in self.forwards:
                continue
            # The reservation keeps its own descriptor: closing the forwarder must not give the port away.
            self.forwards[key] = await forward(
                reservation.forward.dup(), self.host.network.forward_address(), reservation.publication.host_port
            )

    def drop(self, name: str, reservation: Reservation) -> None:
        """A port is given back: what is forwarded from it is cut."""
        self.holdings.drop(port_key(name, reservation))
        forwarding = self.forwards.pop(port_key(name, reservation), None)
        if forwarding is not None:  # one without a client has length 0
            task = asyncio.get_running_loop().create_task(forwarding.close())
            self.closing.add(task)
            task.add_done_callback(self.closing.discard)
