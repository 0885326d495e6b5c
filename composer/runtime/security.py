"""`security_opt`: what it changes of a container's confinement. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

UNCONFINED = "unconfined"

#: Paths that an ordinary container cannot see, and cannot write to (Docker's lists).
MASKED = ("/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug",
          "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware")
READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")


@dataclass(frozen=True, slots=True)
class Security:
    """`seccomp`: "" for the default filter, `unconfined`, or a profile's text. `apparmor`: a profile's name; without one, none is used,
    so that its being switched off is met already. `labels`: parts of a SELinux context."""

    seccomp: str = ""
    no_new_privileges: bool = False
    masked: bool = True
    apparmor: str = ""
    labels: tuple[str, ...] = ()
    writable_cgroups: bool = False


def security(options: Iterable[str]) -> Security:
    """From the canonical form: KEY or KEY=VALUE."""
    listed = tuple(options)
    said = dict(option.partition("=")[::2] for option in listed)
    return Security(
        seccomp=said.get("seccomp", ""),
        no_new_privileges=said.get("no-new-privileges", "false") in ("", "true"),
        masked=said.get("systempaths") != UNCONFINED,
        apparmor="" if said.get("apparmor") == UNCONFINED else said.get("apparmor", ""),
        labels=tuple(option.removeprefix("label=") for option in listed if option.startswith("label=") and option != "label=disable"),
        writable_cgroups=said.get("writable-cgroups", "false") in ("", "true"),
    )
