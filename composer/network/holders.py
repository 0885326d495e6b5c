"""Who has a port that is taken: a process, or another container of composer's (whose reserved port no list of sockets shows)."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from composer.observed import Container, Publication
from composer.store import Places, ProjectPlaces, read_json

TIME_WAIT = "06"
EVERY = ("", "0.0.0.0", "::")
TITLE = b"composer: "  # of guards and supervisors


def holder(places: Places, publication: Publication) -> str | None:
    """In the user's words; None when nobody is found. A container is a better answer than a process of composer's."""
    found = list(_processes(publication))
    others = (name for name, ours in found if not ours)
    return next(others, None) or next(_containers(places, publication), None) or next((name for name, _ in found), None)


def overlaps(one: str, other: str) -> bool:
    """Whether a port of both addresses would be the same port; "" is every address."""
    return one == other or not {one, other}.isdisjoint(EVERY)


def _processes(publication: Publication) -> Iterator[tuple[str, bool]]:
    """The processes that have the socket open, and whether they are a project's guard or supervisor."""
    inodes = set(_inodes(publication))
    for folder in Path("/proc").glob("[0-9]*") if inodes else ():
        with suppress(OSError):  # it ended meanwhile, or is another user's
            if not inodes.isdisjoint(_open_files(folder / "fd")):
                ours = (folder / "cmdline").read_bytes().startswith(TITLE)
                yield f"{(folder / 'comm').read_text().strip()} (process {folder.name})", ours


def _open_files(folder: Path) -> Iterator[str]:
    """What the descriptors of a process are."""
    for name in os.listdir(folder):
        with suppress(FileNotFoundError):  # closed meanwhile
            yield os.readlink(folder / name)


def _inodes(publication: Publication) -> Iterator[str]:
    """Sockets on the port, as /proc/PID/fd shows them."""
    for table in (publication.protocol, f"{publication.protocol}6"):
        with suppress(FileNotFoundError):
            for line in Path(f"/proc/thread-self/net/{table}").read_text().splitlines()[1:]:
                _number, local, _remote, state, *rest = line.split()
                address, port = local.split(":")
                if int(port, 16) == publication.host_port and state != TIME_WAIT and overlaps(_readable(address), publication.host_ip):
                    yield f"socket:[{rest[5]}]"


def _readable(text: str) -> str:
    """An address of /proc/net/tcp: 32-bit words in the machine's byte order."""
    words = [socket.ntohl(int(text[start : start + 8], 16)).to_bytes(4, "big") for start in range(0, len(text), 8)]
    raw = b"".join(words)
    return str(IPv4Address(raw) if len(raw) == 4 else IPv6Address(raw).ipv4_mapped or IPv6Address(raw))


def _containers(places: Places, publication: Publication) -> Iterator[str]:
    for project in places.projects():
        if project.netns.exists():
            having = (container for container in _records(project) if _has(container, publication))
            yield from (f"container {container.name} of project {_name(project)}" for container in having)


def _records(project: ProjectPlaces) -> Iterator[Container]:
    for path in sorted(project.containers.glob("*/container.json")):
        with suppress(OSError, ValueError):
            yield Container.from_json(read_json(path) or {})


def _has(container: Container, wanted: Publication) -> bool:
    return any(
        (had.protocol, had.host_port) == (wanted.protocol, wanted.host_port) and overlaps(had.host_ip, wanted.host_ip)
        for had in container.publications
    )


def _name(project: ProjectPlaces) -> str:
    return str((read_json(project.project_file) or {}).get("name", project.hash))
