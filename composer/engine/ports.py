"""The host's ports that the project holds: taken before anything starts, kept while a container that publishes them lives."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from composer.errors import NetworkError
from composer.host import Network, Reservation
from composer.model.ports import Port
from composer.observed import Publication


def publications(ports: Iterable[Port]) -> tuple[Publication, ...]:
    """What the file asks for, as the network driver understands it. sctp cannot be published yet and is refused by the loader."""
    return tuple(_publication(port) for port in ports)


def _publication(port: Port) -> Publication:
    first, _, last = port.published.partition("-")
    return Publication(port.host_ip, int(first or 0), port.target, "udp" if port.protocol == "udp" else "tcp", int(last or 0))


@dataclass(slots=True)
class Ports:
    """`on_hold` and `on_drop` tell the guard, which holds the sockets too. Keys are the publication's own text."""

    network: Network
    on_hold: Callable[[str, Reservation], None] = lambda _name, _reservation: None
    on_drop: Callable[[str, Reservation], None] = lambda _name, _reservation: None
    held: dict[str, list[Reservation]] = field(default_factory=dict)

    def of(self, name: str) -> tuple[Publication, ...]:
        """The publications that a container holds, with the ports that it got."""
        return tuple(one.publication for one in self.held.get(name, ()))

    def acquire(self, wanted: dict[str, tuple[Publication, ...]], ending: frozenset[str]) -> list[str]:
        """Take the ports of all containers named, or none. Ports of containers that are `ending` change hands.

        Returns the names that hold something now and did not before."""
        new: list[str] = []
        try:
            for name, asked in wanted.items():
                if asked and self._acquire(name, asked, ending):
                    new.append(name)
        except NetworkError:
            for name in new:
                self.release(name)
            raise
        return new

    def _acquire(self, name: str, asked: tuple[Publication, ...], ending: frozenset[str]) -> bool:
        before = self.held.get(name, [])
        if len(before) == len(asked) and all(_serves(had.publication, want) for had, want in zip(before, asked, strict=True)):
            return False
        for other in {name, *ending}:
            self.release(other)
        got = self.network.reserve(asked)
        self.held[name] = got
        for reservation in got:
            self.on_hold(name, reservation)
        return True

    def adopt(self, name: str, reservation: Reservation) -> None:
        """Take over what the guard held while there was no supervisor."""
        self.held.setdefault(name, []).append(reservation)

    def release(self, name: str) -> None:
        for reservation in self.held.pop(name, []):
            self.on_drop(name, reservation)
            for held in (*reservation.held, *([reservation.forward] if reservation.forward else [])):
                with suppress(OSError):
                    held.close()


def _serves(had: Publication, want: Publication) -> bool:
    """Whether a port that is held is what a publication asks for."""
    last = want.host_port_last or want.host_port
    fits = not want.host_port or want.host_port <= had.host_port <= last
    return fits and (had.host_ip, had.container_port, had.protocol) == (want.host_ip, want.container_port, want.protocol)
