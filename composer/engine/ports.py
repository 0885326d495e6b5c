"""The host's ports that the project holds: taken before anything starts, kept while a container that publishes them lives."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from threading import RLock

from composer.errors import NetworkError, about
from composer.host import Image, Network, Reservation
from composer.model.ports import Port
from composer.model.service import Service
from composer.observed import Publication

NO_PATHS: Mapping[str, str] = {}


def publications(ports: Iterable[Port]) -> tuple[Publication, ...]:
    """What the file asks for, as the network driver understands it. sctp cannot be published yet and is refused by the loader."""
    return tuple(_publication(port) for port in ports)


def _publication(port: Port) -> Publication:
    first, _, last = port.published.partition("-")
    return Publication(port.host_ip, int(first or 0), port.target, "udp" if port.protocol == "udp" else "tcp", int(last or 0))


def exposed(service: Service, image: Image) -> tuple[str, ...]:
    """What the service and its image expose, each port by itself: `5432/tcp`. By protocol and number."""
    found: set[tuple[str, int]] = set()
    for entry in (*service.expose, *image.config.exposed_ports):
        span, _, protocol = entry.partition("/")
        first, _, last = span.partition("-")
        found.update((protocol or "tcp", port) for port in range(int(first), int(last or first) + 1))
    return tuple(f"{port}/{protocol}" for protocol, port in sorted(found))


@dataclass(slots=True)
class Ports:
    """`on_hold` and `on_drop` tell the guard, which holds the sockets too. A name is a container's. Any thread may call: a container
    that ends gives its ports back while a plan claims others.

    Names that a plan has claimed keep their ports while it stops and removes what has the name now."""

    network: Network
    on_hold: Callable[[str, Reservation], None] = lambda _name, _reservation: None
    on_drop: Callable[[str, Reservation], None] = lambda _name, _reservation: None
    held: dict[str, list[Reservation]] = field(default_factory=dict)
    claimed: set[str] = field(default_factory=set)
    lock: RLock = field(default_factory=RLock)
    released_at: float = 0.0  # time.monotonic() of the last release: the guard and forwarders close their copies a moment later

    def of(self, name: str) -> tuple[Publication, ...]:
        """The publications that a container holds, with the ports that it got."""
        return tuple(one.publication for one in self.held.get(name, ()))

    def claim(self, wanted: Mapping[str, tuple[Publication, ...]], ending: Iterable[str], paths: Mapping[str, str] = NO_PATHS) -> None:
        """Take the ports of all containers named, or none: then NetworkError, and all is as before. Ports of containers that
        are `ending` may change hands. What is claimed is not released before `settle`. `paths`: where the compose files ask for them."""
        with self.lock:
            self._claim(wanted, {*wanted, *ending}, paths)

    def _claim(self, wanted: Mapping[str, tuple[Publication, ...]], owners: set[str], paths: Mapping[str, str]) -> None:
        movable = [(owner, reservation) for owner in owners for reservation in self.held.get(owner, ())]
        fresh: list[Reservation] = []
        given_up: list[tuple[str, Reservation]] = []
        try:
            got: dict[str, list[Reservation]] = {}
            for name, asked in wanted.items():
                with about(paths.get(name, "")):
                    got[name] = [self._one(name, want, movable, fresh, given_up) for want in asked]
        except NetworkError:
            for reservation in fresh:
                _close(reservation)
            self._take_back(given_up)
            raise
        for owner in owners:
            self._replace(owner, got.get(owner, [one for who, one in movable if who == owner]))
        for owner, left in movable:
            if owner in wanted:
                _close(left)
        self.claimed |= {name for name, asked in wanted.items() if asked}

    def _one(
        self,
        name: str,
        want: Publication,
        movable: list[tuple[str, Reservation]],
        fresh: list[Reservation],
        given_up: list[tuple[str, Reservation]],
    ) -> Reservation:
        """A reservation that serves: one that is held already, which leaves `movable`, or a new one, which joins `fresh`."""
        for item in movable:
            owner, had = item
            same = (owner, had.publication.container_port) == (name, want.container_port)
            if _serves(had.publication, want) and (want.host_port or same):
                movable.remove(item)
                return replace(had, publication=replace(had.publication, container_port=want.container_port))
        for item in [one for one in movable if _overlaps(one[1].publication, want)]:
            movable.remove(item)  # ours, at another address of the host: in the way
            given_up.append(item)
            _close(item[1])
        (got,) = self.network.reserve([want])
        fresh.append(got)
        return got

    def _take_back(self, given_up: list[tuple[str, Reservation]]) -> None:
        """What was closed to make room, for containers that go on running as before."""
        for owner, reservation in given_up:
            with suppress(NetworkError):
                (again,) = self.network.reserve([reservation.publication])
                self.held[owner] = [again if one is reservation else one for one in self.held[owner]]
                self.on_drop(owner, reservation)
                self.on_hold(owner, again)

    def _replace(self, name: str, reservations: list[Reservation]) -> None:
        """Tell the guard what changed of a container's ports."""
        before = {one.publication: one for one in self.held.pop(name, [])}
        after = {one.publication: one for one in reservations}
        for publication in before.keys() - after.keys():
            self.on_drop(name, before[publication])
        for publication in after.keys() - before.keys():
            self.on_hold(name, after[publication])
        if reservations:
            self.held[name] = reservations

    def adopt(self, name: str, reservation: Reservation) -> None:
        """Take over what the guard held while there was no supervisor."""
        with self.lock:
            self.held.setdefault(name, []).append(reservation)

    def settle(self, names: Iterable[str]) -> None:
        """The plan is done: from now on `release` gives these names' ports back."""
        with self.lock:
            self.claimed -= set(names)

    def release(self, name: str) -> None:
        """Give back what a container held, unless a plan has claimed it."""
        with self.lock:
            given_back = [] if name in self.claimed else self.held.pop(name, [])
            for reservation in given_back:
                self.released_at = time.monotonic()
                self.on_drop(name, reservation)
                _close(reservation)


def _close(reservation: Reservation) -> None:
    for one in (*reservation.held, *([reservation.forward] if reservation.forward else [])):
        with suppress(OSError):
            one.close()


def _serves(had: Publication, want: Publication) -> bool:
    """Whether a port that is held is one that a publication asks for."""
    last = want.host_port_last or want.host_port
    fits = not want.host_port or want.host_port <= had.host_port <= last
    return fits and (had.host_ip, had.protocol) == (want.host_ip, want.protocol)


def _overlaps(had: Publication, want: Publication) -> bool:
    """Whether a port that is held stands in the way of a fixed one, because one of them is on all addresses."""
    same = (had.host_port, had.protocol) == (want.host_port, want.protocol) and not want.host_port_last
    return same and had.host_ip != want.host_ip
