"""The default system call filter: the profile that the containers packages install, in the OCI runtime's form.

Compiling it takes crun 10 ms of each create. So what crun compiled is kept by a hash of all that it depends on, and given
to the next create by the annotation `run.oci.seccomp_bpf_data` (crun(1)); other runtimes get the profile itself.
"""

from __future__ import annotations

import json
import platform
import re
from base64 import b64encode
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from composer.errors import ContainerError
from composer.runtime.bundle import Seccomp
from composer.runtime.programs import is_crun, runtime_version
from composer.store import write_bytes

#: In the order of containers-common: the administrator's, then the package's.
PROFILES = (Path("/etc/containers/seccomp.json"), Path("/usr/share/containers/seccomp.json"))
ANNOTATION = "run.oci.seccomp_bpf_data"

#: What the kernel calls a machine (uname -m) -> what the profile calls it, natively and in `archMap`.
ARCHITECTURES = {
    "x86_64": ("amd64", "SCMP_ARCH_X86_64"), "aarch64": ("arm64", "SCMP_ARCH_AARCH64"), "armv7l": ("arm", "SCMP_ARCH_ARM"),
    "i686": ("x86", "SCMP_ARCH_X86"), "ppc64le": ("ppc64le", "SCMP_ARCH_PPC64LE"), "s390x": ("s390x", "SCMP_ARCH_S390X"),
    "riscv64": ("riscv64", "SCMP_ARCH_RISCV64"),
}


def packaged_profile(candidates: Iterable[Path] = PROFILES) -> Path:
    """Where this machine has its profile."""
    for path in candidates:
        if path.exists():
            return path
    raise ContainerError("no seccomp profile found", hint="install the package containers-common (Debian: golang-github-containers-common)")


def oci_profile(profile: Mapping[str, Any], capabilities: Collection[str], *, machine: str, kernel: tuple[int, int]) -> dict[str, Any]:
    """`linux.seccomp` of config.json, for a container with these capabilities (its bounding set) on this machine and kernel version."""
    native, name = ARCHITECTURES.get(machine, (machine, ""))
    rules = [_rule(rule) for rule in profile.get("syscalls", ()) if _applies(rule, capabilities, native, kernel)]
    return {
        "defaultAction": profile["defaultAction"],
        **({"defaultErrnoRet": profile["defaultErrnoRet"]} if "defaultErrnoRet" in profile else {}),
        "architectures": _architectures(profile, name),
        "syscalls": rules,
    }


def _architectures(profile: Mapping[str, Any], name: str) -> list[str]:
    if not name:
        return []
    for entry in profile.get("archMap") or ():
        if entry["architecture"] == name:
            return [name, *(entry.get("subArchitectures") or ())]
    return [name]


def _applies(rule: Mapping[str, Any], capabilities: Collection[str], native: str, kernel: tuple[int, int]) -> bool:
    """All that `includes` names must be given, nothing of what `excludes` names (containers/common, pkg/seccomp)."""
    wanted, unwanted = rule.get("includes") or {}, rule.get("excludes") or {}
    return (
        set(wanted.get("caps") or ()) <= set(capabilities)
        and (not wanted.get("arches") or native in wanted["arches"])
        and (not wanted.get("minKernel") or kernel >= _version(wanted["minKernel"]))
        and not set(unwanted.get("caps") or ()) & set(capabilities)
        and native not in (unwanted.get("arches") or ())
        and (not unwanted.get("minKernel") or kernel < _version(unwanted["minKernel"]))
    )


def _version(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    return int(major), int(minor or 0)


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: rule[key] for key in ("action", "errnoRet", "args") if rule.get(key)}
    return {"names": rule.get("names") or [rule["name"]], **kept}


@dataclass(frozen=True, slots=True)
class FilterStore:
    """Filters that crun compiled. `folder` is root's alone: who writes there decides what containers may call."""

    folder: Path

    def choose(self, capabilities: tuple[str, ...], runtime: str, own: str = "") -> tuple[Seccomp, str]:
        """The filter for a container with these capabilities, and the key to `keep` crun's compiled form by ("": nothing to keep).
        `own`: the text of a profile that takes the packaged one's place."""
        if own:
            profile = _resolved(own, "security_opt: seccomp", capabilities)
        else:
            path = packaged_profile()
            profile = _this_machine(path, path.stat().st_mtime_ns, capabilities)
        if not is_crun(runtime):
            return Seccomp(profile), ""
        key = sha256(json.dumps([profile, runtime_version(runtime)]).encode()).hexdigest()
        with suppress(FileNotFoundError):
            return Seccomp(annotations={ANNOTATION: (self.folder / key).read_text("ascii")}), ""
        return Seccomp(profile), key

    def keep(self, key: str, compiled: Path) -> None:
        """Take over the filter that crun left in the container's state folder; a crun that leaves none is fine."""
        with suppress(FileNotFoundError):
            if key and (data := compiled.read_bytes()):
                write_bytes(self.folder / key, b64encode(data))


@lru_cache
def _this_machine(path: Path, _changed: int, capabilities: tuple[str, ...]) -> dict[str, Any]:
    """Resolved once for each state of the file: a package may replace it under a long-lived supervisor."""
    return _resolved(path.read_text(), str(path), capabilities)


def _resolved(text: str, subject: str, capabilities: tuple[str, ...]) -> dict[str, Any]:
    major, minor = platform.release().split(".")[:2]
    kernel = int(major), int(re.sub(r"\D.*", "", minor))
    try:
        return oci_profile(json.loads(text), capabilities, machine=platform.machine(), kernel=kernel)
    except (ValueError, KeyError, TypeError) as broken:
        raise ContainerError(f"{subject}: not a seccomp profile: {broken}") from broken
