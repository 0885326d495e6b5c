"""What `composer doctor` tries on the machine: each trial happens in namespaces of its own and leaves nothing."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from composer import process
from composer.errors import ComposerError
from composer.network import rtnetlink
from composer.network.links import netlink
from composer.network.namespaces import CLONE_NEWNET, apart
from composer.runtime import kernel
from composer.runtime.launcher import in_own_mounts
from composer.storage import kernel as storage_kernel

RULES = """
table inet composer_trial {
  chain c { type nat hook prerouting priority -100; fib daddr type local tcp dport 1 dnat ip to 127.0.0.1:1; }
  chain p { type nat hook postrouting priority 100; masquerade; }
}
"""


def refusal(trial: Callable[[], None]) -> str:
    """Why it did not work, "" when it did."""
    try:
        trial()
    except ComposerError as refused:
        return refused.message
    except OSError as refused:
        return refused.strerror or str(refused)
    except Exception as refused:  # a library's own kind of error: what it says is what there is to say
        return str(refused) or type(refused).__name__
    return ""


def overlay(root: Path) -> None:
    """An overlay whose upper folder is where composer keeps its state."""
    folder = existing(root)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".composer-trial-") as name:
        parts = {part: Path(name) / part for part in ("lower", "upper", "work", "merged")}
        for part in parts.values():
            part.mkdir()
        options = f"lowerdir={parts['lower']},upperdir={parts['upper']},workdir={parts['work']}"
        in_own_mounts(lambda: storage_kernel.mount("overlay", parts["merged"], "overlay", 0, options))


def existing(path: Path) -> Path:
    """The nearest folder above that is there."""
    return next(folder for folder in (path, *path.parents) if folder.is_dir())


def bridge() -> None:
    _link(rtnetlink.add_bridge("trial0", mac_address="02:42:00:00:00:01", mtu=1500))


def veth() -> None:
    _link(rtnetlink.add_veth(rtnetlink.End("trial0"), rtnetlink.End("trial1"), 1500))


def _link(request: rtnetlink.Request) -> None:
    def make() -> None:
        kernel.unshare(CLONE_NEWNET)
        with netlink("links") as links:
            links.do(request)

    apart(make)


def packet_rules() -> None:
    """NAT, and `fib`, which asks whether an address is the host's own."""
    process.run(["unshare", "--net", "--", "nft", "-f", "-"], stdin=RULES)


def user_namespace() -> None:
    process.run(["unshare", "--user", "--", "true"])


def seccomp() -> None:
    """Filters, and the actions that profiles use (seccomp(2))."""
    if "errno" not in Path("/proc/sys/kernel/seccomp/actions_avail").read_text().split():
        raise OSError(0, "the kernel cannot filter system calls")


def capabilities() -> int:
    """Those that we hold, as a bit mask (capabilities(7))."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("CapEff:")), 16)


def free_bytes(path: Path) -> int:
    found = os.statvfs(existing(path))
    return found.f_bavail * found.f_frsize
