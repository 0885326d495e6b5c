"""A machine of the test's own for the whole of composer: network, packet rules and resolv.conf are not the real machine's.

    outside 198.51.100.2 ---- eth0 198.51.100.1 the machine ---- projects ---- containers

One process holds the two namespaces; every command enters them (nsenter(1)).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.command_line import Composer
from tests.network_world import HOST, OUTSIDE, Server, World, fresh_namespace, sh

#: Where the machine's stub resolver is, as systemd-resolved has it.
STUB = "127.0.0.53"


@dataclass
class Machine:
    """`inside` and `outside` are network namespaces."""

    pid: int
    world: World
    factory: Callable[..., Composer]

    @property
    def inside(self) -> int:
        return self.world.host

    @property
    def outside(self) -> int:
        return self.world.outside

    def project(self, name: str = "shop") -> Composer:
        composer = self.factory(name)
        composer.entering = ("nsenter", f"--target={self.pid}", "--net", "--mount", f"--wdns={composer.folder}")
        return composer

    def serve(self, name: str, netns: int, port: int, *, address: str = "0.0.0.0", kind: str = "tcp") -> Server:
        return self.world.serve(name, netns, port, address=address, kind=kind)

    def sh(self, command: str) -> str:
        return sh(self.inside, command)


@contextmanager
def machine(folder: Path, factory: Callable[..., Composer]) -> Iterator[Machine]:
    """Its projects have to be down before it ends."""
    resolv = folder / "machine-resolv.conf"
    resolv.write_text(f"nameserver {STUB}\n")
    script = f"mount --bind {resolv} /etc/resolv.conf; ip link set lo up; echo ready; exec cat"
    holder = subprocess.Popen(["unshare", "--net", "--mount", "--propagation=slave", "sh", "-ec", script],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with ExitStack() as stack:
        stack.callback(holder.communicate)
        assert holder.stdout is not None
        assert holder.stdout.readline() == "ready\n"
        world = World(folder, stack)
        world.host = world.keep(os.open(f"/proc/{holder.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC))
        world.outside = world.keep(fresh_namespace())
        _join(world)
        yield Machine(holder.pid, world, factory)


def _join(world: World) -> None:
    """The machine has a default route to a neighbour, and does not forward by itself."""
    sh(world.outside, "ip link set lo up")
    sh(world.host, "sysctl -qw net.ipv4.ip_forward=0")
    sh(world.host, f"ip link add eth0 type veth peer name eth0 netns /proc/{os.getpid()}/fd/{world.outside}")
    sh(world.host, f"ip address add {HOST}/24 dev eth0; ip link set eth0 up; ip route add default via {OUTSIDE}")
    sh(world.outside, f"ip address add {OUTSIDE}/24 dev eth0; ip link set eth0 up")
