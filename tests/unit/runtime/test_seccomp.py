"""The packaged profile in the OCI runtime's form."""

from __future__ import annotations

from typing import Any

from composer.runtime.seccomp import FilterStore, oci_profile

PROFILE: dict[str, Any] = {
    "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "defaultErrno": "ENOSYS",
    "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]},
                {"architecture": "SCMP_ARCH_S390X", "subArchitectures": None}],
    "syscalls": [
        {"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [], "comment": "", "includes": {}, "excludes": {}},
        {"names": ["mount"], "action": "SCMP_ACT_ALLOW", "args": None, "includes": {"caps": ["CAP_SYS_ADMIN"]}},
        {"names": ["mount"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1, "errno": "EPERM", "excludes": {"caps": ["CAP_SYS_ADMIN"]}},
        {"names": ["arch_prctl"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["amd64", "x32"]}},
        {"names": ["s390_runtime_instr"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["s390x"]}},
        {"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}},
        {"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 8, "valueTwo": 0, "op": "SCMP_CMP_EQ"}]},
    ],
}


def _names(*capabilities: str, machine: str = "x86_64", kernel: tuple[int, int] = (6, 1)) -> list[tuple[str, str]]:
    made = oci_profile(PROFILE, capabilities, machine=machine, kernel=kernel)
    return [(rule["names"][0], rule["action"]) for rule in made["syscalls"]]


def test_rules_follow_the_capabilities() -> None:
    """A call that needs a capability is allowed with it and refused by its own errno without."""
    assert ("mount", "SCMP_ACT_ALLOW") in _names("CAP_SYS_ADMIN", "CAP_KILL") and ("mount", "SCMP_ACT_ERRNO") not in _names("CAP_SYS_ADMIN")
    assert ("mount", "SCMP_ACT_ERRNO") in _names("CAP_KILL") and ("mount", "SCMP_ACT_ALLOW") not in _names("CAP_KILL")


def test_rules_follow_machine_and_kernel() -> None:
    """Rules for other architectures and for newer kernels are left out."""
    assert ("arch_prctl", "SCMP_ACT_ALLOW") in _names() and ("s390_runtime_instr", "SCMP_ACT_ALLOW") not in _names()
    assert ("s390_runtime_instr", "SCMP_ACT_ALLOW") in _names(machine="s390x")
    assert ("ptrace", "SCMP_ACT_ALLOW") in _names(kernel=(4, 8)) and ("ptrace", "SCMP_ACT_ALLOW") not in _names(kernel=(4, 7))


def test_only_what_the_runtime_specification_knows_is_left() -> None:
    """Names, action, arguments, errno; the architectures are the native one and those that it also runs."""
    made = oci_profile(PROFILE, (), machine="x86_64", kernel=(6, 1))
    assert made["architectures"] == ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]
    assert (made["defaultAction"], made["defaultErrnoRet"]) == ("SCMP_ACT_ERRNO", 38)
    assert {key for rule in made["syscalls"] for key in rule} == {"names", "action", "args", "errnoRet"}
    assert all(rule.get("args") != [] for rule in made["syscalls"])
    assert oci_profile(PROFILE, (), machine="s390x", kernel=(6, 1))["architectures"] == ["SCMP_ARCH_S390X"]
    assert oci_profile(PROFILE, (), machine="unheard-of", kernel=(6, 1))["architectures"] == []


def test_a_runtime_that_leaves_no_filter_is_fine(tmp_path: Any) -> None:
    """Nothing is kept without a key or a file; what is kept is base64, for root alone."""
    store = FilterStore(tmp_path / "seccomp")
    store.keep("key", tmp_path / "missing")
    (tmp_path / "bpf").write_bytes(b"\x01\x02")
    store.keep("", tmp_path / "bpf")
    assert not (tmp_path / "seccomp").exists()
    store.keep("key", tmp_path / "bpf")
    assert (tmp_path / "seccomp" / "key").read_text() == "AQI=" and (tmp_path / "seccomp" / "key").stat().st_mode & 0o077 == 0
