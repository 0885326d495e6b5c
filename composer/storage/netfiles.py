"""/etc/hosts, /etc/hostname and /etc/resolv.conf of a container."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from composer.host import RootfsRequest
from composer.store import ContainerPlaces

#: Where containers find the project's resolver; nginx files name it, as with Docker.
RESOLVER = "127.0.0.11"

_LOCAL = (
    ("127.0.0.1", ("localhost",)),
    ("::1", ("localhost", "ip6-localhost", "ip6-loopback")),
    ("fe00::", ("ip6-localnet",)),
    ("ff00::", ("ip6-mcastprefix",)),
    ("ff02::1", ("ip6-allnodes",)),
    ("ff02::2", ("ip6-allrouters",)),
)


def write(places: ContainerPlaces, request: RootfsRequest, *, etc: Path = Path("/etc")) -> None:
    """With `network_mode: host` the host's own hosts and resolv.conf are taken, as Docker does; with `none`, too, there is no resolver."""
    service, mode = request.service, request.service.network_mode
    known = _read(etc / "hosts") if mode == "host" else hosts_text(_LOCAL)
    servers = service.dns if mode in ("host", "none") else (RESOLVER,)
    resolver = resolv_text(_read(etc / "resolv.conf"), servers, service.dns_search, service.dns_opt)
    (places.files / "hosts").write_text(known + hosts_text(request.hosts))
    (places.files / "hostname").write_text(f"{request.hostname}\n")
    (places.files / "resolv.conf").write_text(resolver)


def hosts_text(entries: Iterable[tuple[str, Sequence[str]]]) -> str:
    """PURE: hosts(5)."""
    return "".join(f"{address}\t{' '.join(names)}\n" for address, names in entries)


def resolv_text(host: str, servers: Sequence[str] = (RESOLVER,), search: Sequence[str] = (), options: Sequence[str] = ()) -> str:
    """PURE: resolv.conf(5) with these servers, search domains and options; the host's in the place of each that is not given.

    For the project's resolver it is ndots:0 unless something else is said; a search for `.` is for none."""
    lines = [line.split() for line in host.splitlines()]
    if not (servers or search or options):
        return host
    said = options or [option for words in lines if words[:1] == ["options"] for option in words[1:]]
    if RESOLVER in servers and not any(option.startswith("ndots:") for option in said):
        said = [*said, "ndots:0"]
    found = [words for words in lines if words[:1] in (["search"], ["domain"])][-1:]
    domains = [word for word in (search or [word for words in found for word in words[1:]]) if word != "."]
    return "".join(f"{line}\n" for line in (
        *(f"nameserver {server}" for server in servers or [words[1] for words in lines if words[:1] == ["nameserver"] and words[1:]]),
        *([f"search {' '.join(domains)}"] if domains else []),
        *([f"options {' '.join(said)}"] if said else [])))


def _read(path: Path) -> str:
    with suppress(OSError):
        text = path.read_text(errors="replace")
        return text if not text or text.endswith("\n") else f"{text}\n"
    return ""
