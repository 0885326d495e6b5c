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
    mode = request.service.network_mode
    known = _read(etc / "hosts") if mode == "host" else hosts_text(_LOCAL)
    resolver = _read(etc / "resolv.conf")
    (places.files / "hosts").write_text(known + hosts_text(request.hosts))
    (places.files / "hostname").write_text(f"{request.hostname}\n")
    (places.files / "resolv.conf").write_text(resolver if mode in ("host", "none") else resolv_text(resolver))


def hosts_text(entries: Iterable[tuple[str, Sequence[str]]]) -> str:
    """PURE: hosts(5)."""
    return "".join(f"{address}\t{' '.join(names)}\n" for address, names in entries)


def resolv_text(host: str) -> str:
    """PURE: the project's resolver with the host's search domains and options; ndots:0 unless the host sets it (resolv.conf(5))."""
    lines = [line.split() for line in host.splitlines()]
    search = [words for words in lines if words[:1] in (["search"], ["domain"])][-1:]
    options = [option for words in lines if words[:1] == ["options"] for option in words[1:]]
    if not any(option.startswith("ndots:") for option in options):
        options.append("ndots:0")
    searched = "".join(f"search {' '.join(words[1:])}\n" for words in search if words[1:] and words[1:] != ["."])
    return f"nameserver {RESOLVER}\n{searched}options {' '.join(options)}\n"


def _read(path: Path) -> str:
    with suppress(OSError):
        text = path.read_text(errors="replace")
        return text if not text or text.endswith("\n") else f"{text}\n"
    return ""
