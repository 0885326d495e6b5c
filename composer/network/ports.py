"""The host's ports, reserved: sockets that are bound keep all others out, and as they do not listen, clients are refused.

IPv6 is not led by packet rules (`::1` cannot be routed): its socket listens, and the supervisor forwards from it.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from composer.errors import NetworkError
from composer.host import Reservation
from composer.network.holders import overlaps
from composer.observed import Publication

#: How many free IPv4 ports are tried until one is free for IPv6 too.
ATTEMPTS = 64

KIND = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}

Holder = Callable[[Publication], str | None]


class Taken(Exception):
    """This very port is taken."""


def reserve(publications: Sequence[Publication], holder: Holder) -> list[Reservation]:
    """All or none, in the order given. Fixed ports are bound before ranges, and those before any free ones."""
    got: dict[int, Reservation] = {}
    order = sorted(range(len(publications)), key=lambda index: _freedom(publications[index]))
    try:
        for index in order:
            got[index] = _reserve(publications[index], got.values(), holder)
    except BaseException:
        for reservation in got.values():
            release(reservation)
        raise
    return [got[index] for index in range(len(publications))]


def release(reservation: Reservation) -> None:
    """Give a port back."""
    for one in (*reservation.held, reservation.forward):
        if one:
            one.close()


def _freedom(publication: Publication) -> int:
    return 0 if publication.host_port and not publication.host_port_last else 1 if publication.host_port else 2


def _reserve(publication: Publication, earlier: Iterable[Reservation], holder: Holder) -> Reservation:
    for port in _candidates(publication):
        with suppress(Taken):
            return _bind(replace(publication, host_port=port, host_port_last=0))
    raise _taken(publication, earlier, holder)


def _candidates(publication: Publication) -> Sequence[int]:
    if not publication.host_port:
        return [0] * ATTEMPTS
    return range(publication.host_port, max(publication.host_port, publication.host_port_last) + 1)


def _bind(publication: Publication) -> Reservation:
    """Both families on one number."""
    address = publication.host_ip
    if ":" in address:
        forward = _bound(publication, socket.AF_INET6, address)
        return Reservation(replace(publication, host_port=forward.getsockname()[1]), (), forward)
    held = _bound(publication, socket.AF_INET, address or "0.0.0.0")
    got = replace(publication, host_port=held.getsockname()[1])
    try:
        return Reservation(got, (held,), None if address else _bound_if_ipv6(got))
    except BaseException:
        held.close()
        raise


def _bound_if_ipv6(publication: Publication) -> socket.socket | None:
    return _bound(publication, socket.AF_INET6, "::") if socket.has_ipv6 and os.path.exists("/proc/thread-self/net/if_inet6") else None


def _bound(publication: Publication, family: socket.AddressFamily, address: str) -> socket.socket:
    where = (address, publication.host_port)
    kind = KIND[publication.protocol]
    try:
        return _listening(family, kind, where) if family == socket.AF_INET6 else _silent(family, kind, where)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Taken from error
        raise NetworkError(f"port {_text(publication)}: {error.strerror}", hint=_hint(error, address)) from error


def _listening(family: socket.AddressFamily, kind: int, where: tuple[str, int]) -> socket.socket:
    """Connections that the forwarder closed linger (TIME_WAIT): SO_REUSEADDR takes the port all the same."""
    one = socket.socket(family, kind)
    try:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if kind == socket.SOCK_STREAM:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(where)
        if kind == socket.SOCK_STREAM:
            one.listen(4096)
    except BaseException:
        one.close()
        raise
    return one


def _silent(family: socket.AddressFamily, kind: int, where: tuple[str, int]) -> socket.socket:
    """Bound, not listening."""
    one = socket.socket(family, kind)
    try:
        one.bind(where)
    except OSError as error:
        one.close()
        if error.errno == errno.EADDRINUSE and kind == socket.SOCK_STREAM:
            return _silent_after_listening(family, where)
        raise
    return one


def _silent_after_listening(family: socket.AddressFamily, where: tuple[str, int]) -> socket.socket:
    """Take a port that only connections in TIME_WAIT still have, as any server may.

    SO_REUSEADDR alone would share it with another bound socket; listen(2) is refused then. shutdown(2) ends listening and
    leaves the socket bound."""
    one = socket.socket(family, socket.SOCK_STREAM)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(where)
        one.listen(1)
        one.shutdown(socket.SHUT_RDWR)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    except BaseException:
        one.close()
        raise
    return one


def _taken(publication: Publication, earlier: Iterable[Reservation], holder: Holder) -> NetworkError:
    if any(_same(publication, one.publication) for one in earlier) and not publication.host_port_last:
        return NetworkError(f"port {_text(publication)} is published twice", hint="publish one of them on another port")
    who = holder(publication)
    what = f"port {_text(publication)} is taken" if publication.host_port else f"no free {publication.protocol} port is left"
    return NetworkError(what + (f" by {who}" if who else ""), hint="stop what holds it, or publish another port")


def _same(one: Publication, other: Publication) -> bool:
    return (one.protocol, one.host_port) == (other.protocol, other.host_port) and overlaps(one.host_ip, other.host_ip)


def _text(publication: Publication) -> str:
    address = f"[{publication.host_ip}]" if ":" in publication.host_ip else publication.host_ip
    last = f"-{publication.host_port_last}" if publication.host_port_last else ""
    return f"{address}{':' if address else ''}{publication.host_port}{last}/{publication.protocol}"


def _hint(error: OSError, address: str) -> str:
    if error.errno in (errno.EADDRNOTAVAIL, errno.EINVAL, errno.EAFNOSUPPORT):
        return f"{address} is not an address of this host"
    return "ports below net.ipv4.ip_unprivileged_port_start need root" if error.errno == errno.EACCES else ""
