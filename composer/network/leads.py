"""Which port of the uplink leads to which container. Pure.

The host turns HOST_IP:HOST_PORT into a port of the uplink's project end, and the project turns that into the container's
address and port. The uplink's port has the host port's number, except where two host addresses publish one number for
different containers.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from composer.errors import NetworkError
from composer.observed import Publication

ANY = "0.0.0.0"


@dataclass(frozen=True, slots=True)
class Lead:
    """`ends` are the host's IPv4 ends; IPv6 has none, the supervisor forwards to `port` from a socket of its own."""

    protocol: str
    port: int  # of the uplink's project end
    address: str
    target: int  # the container's port
    owner: str
    ends: tuple[tuple[str, int], ...] = ()

    @property
    def note(self) -> str:
        """What the packet rule remembers beside its addresses; `read_note` is its inverse."""
        return " ".join((self.owner, *(f"{ip}:{port}" for ip, port in self.ends)))


def read_note(note: str) -> tuple[str, tuple[tuple[str, int], ...]]:
    """Owner and ends."""
    owner, *ends = note.split()
    pairs = (end.rpartition(":") for end in ends)
    return owner, tuple((ip, int(port)) for ip, _, port in pairs)


def owner_of(key: str) -> str:
    """A container's id, shortened: nftables keeps at most 128 bytes of a comment."""
    return sha256(key.encode()).hexdigest()[:16]


def lead_to(address: str, owner: str, publications: Sequence[Publication], others: Collection[Lead]) -> tuple[Lead, ...]:
    """The leads of one container that is at `address`; `others` are those of all other containers."""
    taken = {(lead.protocol, lead.port): lead for lead in others}
    mine: dict[tuple[str, int], Lead] = {}
    for publication in publications:
        fresh = Lead(publication.protocol, publication.host_port, address, publication.container_port, owner)
        slot = _slot(fresh, publication, {**taken, **mine})
        had = mine.get((fresh.protocol, slot), replace(fresh, port=slot))
        mine[fresh.protocol, slot] = replace(had, ends=tuple(dict.fromkeys((*had.ends, *_ends(publication)))))
    return tuple(mine.values())


def _ends(publication: Publication) -> tuple[tuple[str, int], ...]:
    return () if ":" in publication.host_ip else ((publication.host_ip or ANY, publication.host_port),)


def _slot(fresh: Lead, publication: Publication, taken: dict[tuple[str, int], Lead]) -> int:
    there = taken.get((fresh.protocol, fresh.port))
    if there is None or (there.owner, there.target) == (fresh.owner, fresh.target):
        return fresh.port
    if ":" in publication.host_ip:
        raise NetworkError(
            f"port {fresh.port}/{fresh.protocol} of {publication.host_ip} and of another address cannot lead to different places",
            hint="publish one of them on another port",
        )
    return next(port for port in range(65535, 0, -1) if (fresh.protocol, port) not in taken)
