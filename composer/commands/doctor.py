"""`composer doctor`: what the machine offers and lacks for composer, each with the command that mends it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from composer import process
from composer.commands import trials
from composer.errors import ComposerError, HostError
from composer.runtime.cgroups import Layout, detect
from composer.runtime.programs import DEFAULT_RUNTIMES, INITS
from composer.store import Places

State = Literal["ok", "missing", "advice", "untried"]
Family = Literal["debian", "fedora", ""]

INSTALL: Mapping[Family, str] = {"debian": "apt-get install", "fedora": "dnf install", "": "install"}
#: Where a package is called otherwise than on Debian.
FEDORA_NAMES = {"iproute2": "iproute", "tini": "tini-static"}
CONTROLLERS = ("cpu", "memory", "pids")
SYS_ADMIN, NET_ADMIN = 1 << 21, 1 << 12
LOW_SPACE = 2 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """`state`: `advice` is about what works without, or may be wished otherwise; `untried` needs root to be tried. `mend`: a command."""

    subject: str
    state: State
    detail: str = ""
    mend: str = ""


def doctor(places: Places) -> Iterator[Finding]:
    """Everything that composer needs, in the order in which it needs it."""
    family = _family(_text("/etc/os-release"))
    yield _privileges()
    yield from _programs(family)
    yield _cgroups()
    yield from _kernel(places, family)
    yield _forwarding()
    yield _space(places.root)


def healthy(findings: list[Finding]) -> bool:
    return not any(one.state == "missing" for one in findings)


def _privileges() -> Finding:
    if os.geteuid():
        return Finding("privileges", "advice", "not root: some things cannot be tried", "sudo composer doctor")
    held = trials.capabilities()
    lacking = [name for name, bit in (("CAP_SYS_ADMIN", SYS_ADMIN), ("CAP_NET_ADMIN", NET_ADMIN)) if not held & bit]
    if lacking:
        return Finding("privileges", "missing", f"root without {' and '.join(lacking)}", "run composer outside of containers")
    return Finding("privileges", "ok", "root")


# -- programs


def _programs(family: Family) -> Iterator[Finding]:
    yield _program("OCI runtime", DEFAULT_RUNTIMES, "crun", family)
    yield _program("conmon", ("conmon",), "conmon", family)
    for name, what in (("buildah", "builds images"), ("skopeo", "pulls and pushes images"), ("nft", "packet rules")):
        yield _program(name, (name,), {"nft": "nftables"}.get(name, name), family, what)
    yield _program("init program", INITS, "tini", family, "for services with `init: true`", needed=False)


def _program(subject: str, names: tuple[str, ...], package: str, family: Family, what: str = "", *, needed: bool = True) -> Finding:
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        return Finding(subject, "missing" if needed else "advice", f"not installed{f' ({what})' if what else ''}", install(package, family))
    if subject == "init program":
        return Finding(subject, "ok", found)
    return Finding(subject, "ok", f"{found}, {_version(found)}")


def _version(path: str) -> str:
    with suppress(HostError):
        return process.run([path, "--version"], timeout=5).stdout.partition("\n")[0].strip()
    return "its version is not known"


def install(package: str, family: Family) -> str:
    """The command that installs a package on this distribution."""
    return f"{INSTALL[family]} {FEDORA_NAMES.get(package, package) if family == 'fedora' else package}"


def _family(os_release: str) -> Family:
    """From ID and ID_LIKE (os-release(5))."""
    fields = dict(line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    words = f"{fields.get('ID', '')} {fields.get('ID_LIKE', '')}".replace('"', "").split()
    if "debian" in words or "ubuntu" in words:
        return "debian"
    return "fedora" if "fedora" in words or "rhel" in words else ""


# -- kernel


def _cgroups() -> Finding:
    try:
        layout = detect(_text("/proc/self/mountinfo"))
    except ComposerError as refused:
        return Finding("cgroups", "missing", refused.message, "mount -t cgroup2 none /sys/fs/cgroup")
    have = _controllers(layout)
    lacking = [name for name in CONTROLLERS if name not in have]
    kind = "v2" if layout.version == 2 else "hybrid: v1 beside v2" if layout.unified else "v1"
    if lacking:
        mend = "boot the kernel without cgroup_disable=, with cgroup_enable=memory"
        return Finding("cgroups", "missing", f"{kind}, without {', '.join(lacking)}", mend)
    return Finding("cgroups", "ok", f"{kind}, {', '.join(sorted(have))}")


def _controllers(layout: Layout) -> set[str]:
    if layout.version == 2 and layout.unified:
        return set(_text(f"{layout.unified}/cgroup.controllers").split())
    return {name for path in layout.controllers for name in path.name.split(",")}


def _kernel(places: Places, family: Family) -> Iterator[Finding]:
    root = os.geteuid() == 0
    modules = install("linux-modules-extra-$(uname -r)", family) if family == "debian" else install("kernel-modules", family)
    rules = f"modprobe -a nft_fib_inet nft_nat nft_masq || {modules}"
    tries: tuple[tuple[str, Callable[[], None], bool, str], ...] = (
        ("overlay", partial(trials.overlay, places.root), root, "modprobe overlay, or let COMPOSER_ROOT be on ext4, xfs, btrfs or tmpfs"),
        ("bridge", trials.bridge, root, f"modprobe bridge || {modules}"),
        ("veth", trials.veth, root, f"modprobe veth || {modules}"),
        ("nftables with fib", trials.packet_rules, root and shutil.which("nft") is not None, rules),
        ("seccomp", trials.seccomp, True, "a kernel with CONFIG_SECCOMP_FILTER"),
    )
    for subject, trial, can, mend in tries:
        refused = trials.refusal(trial) if can else ""
        yield Finding(subject, "untried" if not can else "missing" if refused else "ok", refused, mend if refused else "")
    refused = trials.refusal(trials.user_namespace)
    yield Finding("user namespaces", "advice" if refused else "ok", refused, "sysctl user.max_user_namespaces=15000" if refused else "")


def _forwarding() -> Finding:
    if _text("/proc/sys/net/ipv4/ip_forward").strip() == "1":
        return Finding("ip_forward", "ok", "1")
    return Finding("ip_forward", "advice", "0: composer switches it on with the first network", "sysctl -w net.ipv4.ip_forward=1")


def _space(root: Path) -> Finding:
    free = trials.free_bytes(root)
    detail = f"{free / (1 << 30):.1f} GiB free for {root}"
    if free < LOW_SPACE:
        return Finding("disk", "advice", detail, "make room, or let COMPOSER_ROOT be elsewhere")
    return Finding("disk", "ok", detail)


def _text(path: str) -> str:
    with suppress(OSError):
        return Path(path).read_text()
    return ""
