"""Which capabilities a container gets (capabilities(7)): Docker's default set, `cap_add`, `cap_drop`, `privileged`."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from composer.errors import ContainerError

#: By number, as in the kernel's linux/capability.h.
NAMES = tuple("CAP_" + name for name in (
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT",
    "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE",
    "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ",
    "PERFMON", "BPF", "CHECKPOINT_RESTORE"))

#: What Docker gives a container that asks for nothing.
DEFAULT = frozenset("CAP_" + name for name in (
    "CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP", "NET_BIND_SERVICE",
    "SYS_CHROOT", "KILL", "AUDIT_WRITE"))


def from_mask(mask: int) -> frozenset[str]:
    """The names behind a mask of /proc/PID/status."""
    return frozenset(name for number, name in enumerate(NAMES) if mask >> number & 1)


def granted(add: Iterable[str], drop: Iterable[str], *, privileged: bool, held: Collection[str]) -> tuple[str, ...]:
    """Docker's rule, within what composer itself holds; in the kernel's order.

    `ALL`, and privileged, mean all that are held: nobody can give more. One that is asked for by name and not held is an error."""
    added, dropped = _named("cap_add", add), _named("cap_drop", drop)
    if privileged:
        wanted = set(held)
    elif "ALL" in added:
        wanted = set(held) - dropped
    else:
        missing = sorted(added - set(held))
        if missing:
            raise ContainerError(f"cap_add: composer itself does not hold {', '.join(missing)}",
                                 hint="a container cannot get more than composer has")
        wanted = added | (set() if "ALL" in dropped else (DEFAULT & set(held)) - dropped)
    return tuple(name for name in NAMES if name in wanted)


def _named(attribute: str, words: Iterable[str]) -> set[str]:
    return {_name(attribute, word) for word in words}


def _name(attribute: str, word: str) -> str:
    upper = word.upper()
    if upper in ("ALL", "CAP_ALL"):
        return "ALL"
    name = upper if upper.startswith("CAP_") else f"CAP_{upper}"
    if name not in NAMES:
        raise ContainerError(f"{attribute}: no capability named {word!r}", hint="capabilities(7) lists them")
    return name
