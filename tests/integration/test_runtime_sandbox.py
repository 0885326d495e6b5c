"""What a container may do and is shown: Docker's defaults, and what the service changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from composer.host import ImageConfig
from composer.runtime.capabilities import DEFAULT, NAMES, from_mask
from composer.runtime.facts import held_capabilities
from tests.runtime_world import EAT_MEMORY, World, missing, needs_root, world

pytestmark = [pytest.mark.root, pytest.mark.skipif(not needs_root, reason="needs root"),
              pytest.mark.skipif(bool(missing), reason=f"not installed: {missing}")]

HELD = held_capabilities(Path("/proc/self/status").read_text())


@pytest.fixture(params=["crun", "runc"])
def w(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    with world(tmp_path, "test00000box", request.param) as made:
        yield made
    assert made.traces() == []


def _mask(log: str, name: str) -> frozenset[str]:
    return from_mask(int(log.partition(f"{name}:")[2].split()[0], 16))


def _limit(w: World, id_: str, v1: tuple[str, str], v2: str) -> str:
    """The text of a limit's file, by (controller, file) on v1."""
    layout = w.runtime.groups.layout
    top = layout.controller(v1[0]) if layout.version == 1 else layout.unified
    assert top is not None
    return (top / w.runtime.groups.path_of(id_).lstrip("/") / (v1[1] if layout.version == 1 else v2)).read_text().strip()


def test_capabilities_are_dockers(w: World) -> None:
    """Root in the container has Docker's 14; another user has none, but may regain them by a set-user-id program."""
    status = w.output("a", "cat", "/proc/self/status")
    assert _mask(status, "CapEff") == _mask(status, "CapPrm") == _mask(status, "CapBnd") == DEFAULT & HELD
    w.rootfs = {"uid": 33, "gid": 44, "groups": (8,), "home": "/var/www"}
    status = w.output("b", "cat", "/proc/self/status")
    assert _mask(status, "CapEff") == frozenset() and _mask(status, "CapBnd") == DEFAULT & HELD
    assert "Groups:\t8 " in status and "Uid:\t33\t33\t33\t33" in status


def test_capabilities_are_added_and_dropped(w: World) -> None:
    """Names come with or without CAP_, ALL is all that composer holds."""
    status = w.output("a", "cat", "/proc/self/status", cap_add=("NET_ADMIN",), cap_drop=("ALL",))
    assert _mask(status, "CapEff") == {"CAP_NET_ADMIN"}
    status = w.output("b", "cat", "/proc/self/status", cap_add=("ALL",), cap_drop=("CAP_MKNOD",))
    assert _mask(status, "CapEff") == (HELD & set(NAMES)) - {"CAP_MKNOD"}


def test_system_calls_are_filtered(w: World) -> None:
    """The filter is on, and follows the capabilities: with SYS_ADMIN mount(2) works. The second container has crun's compiled one."""
    for id_ in ("a", "b"):
        assert "Seccomp:\t2" in w.output(id_, "cat", "/proc/self/status")
        assert w.finish(f"{id_}2", w.start(f"{id_}2", "mount", "-t", "tmpfs", "x", "/tmp")).code != 0
        w.output(f"{id_}3", "mount", "-t", "tmpfs", "x", "/tmp", cap_add=("SYS_ADMIN",))
    kept = list((w.places.top.root / "seccomp").glob("*"))
    assert len(kept) == (2 if w.oci == "crun" else 0)
    assert all(path.stat().st_mode & 0o077 == 0 for path in kept)


def test_a_compiled_filter_is_the_profile(w: World) -> None:
    """crun compiles the same filter again from the profile as the one that was kept (the annotation changes nothing but the time)."""
    if w.oci != "crun":
        pytest.skip("runc compiles in itself")
    w.create("a", "true")
    first = (w.places.oci / "a" / "seccomp.bpf").read_bytes()
    w.create("b", "true")
    assert '"seccomp"' not in w.places.container("b").config.read_text()
    assert (w.places.oci / "b" / "seccomp.bpf").read_bytes() == first != b""


def test_paths_are_masked_and_read_only(w: World) -> None:
    """Docker's: timers, keys, firmware cannot be read, /proc/sys cannot be written."""
    assert Path("/proc/timer_list").stat() and Path("/proc/keys").read_text()
    script = "wc -c < /proc/timer_list; wc -c < /proc/keys; ls /sys/firmware | wc -l; echo 1 > /proc/sys/kernel/sysrq || echo refused"
    log = w.output("a", "sh", "-c", script)
    assert [line for line in log.splitlines() if line.isdecimal()] == ["0", "0", "0"] and "refused" in log


def test_file_systems_are_there(w: World) -> None:
    """proc, sysfs (ro), cgroup (ro), a small /dev, 64 MiB of /dev/shm, and the image's files."""
    table = [line.split() for line in w.output("a", "cat", "/proc/mounts").splitlines()]
    seen = {fields[1]: (fields[2], fields[3].split(",")) for fields in table}
    assert seen["/proc"][0] == "proc" and seen["/sys"][0] == "sysfs" and "ro" in seen["/sys"][1]
    assert "size=65536k" in seen["/dev/shm"][1] and "noexec" in seen["/dev/shm"][1]
    assert seen["/dev/mqueue"][0] == "mqueue" and seen["/dev/pts"][0] == "devpts"
    assert any(kind.startswith("cgroup") and "ro" in options for path, (kind, options) in seen.items() if path.startswith("/sys/fs/cgroup"))


def test_namespaces_are_new_and_the_network_is_empty(w: World) -> None:
    """PID 1, own host name, only the loopback interface; with network_mode host it is the host's."""
    assert w.output("a", "sh", "-c", "echo $$; hostname; ls /sys/class/net").split() == ["1", "box", "lo"]
    created = w.start("b", "sleep", "100", network_mode="host")
    assert Path(f"/proc/{created.process.pid}/ns/net").readlink() == Path("/proc/self/ns/net").readlink()


def test_sysctls_are_dockers(w: World) -> None:
    """Everybody may ping and bind low ports."""
    script = "cat /proc/sys/net/ipv4/ping_group_range /proc/sys/net/ipv4/ip_unprivileged_port_start"
    assert w.output("a", "sh", "-c", script).split() == ["0", "2147483647", "0"]


def test_a_read_only_root(w: World) -> None:
    """Nothing can be written to the image, /dev/shm can."""
    script = "touch /x 2>/dev/null || echo no; touch /dev/shm/x && echo yes"
    assert w.output("a", "sh", "-c", script, read_only=True).split() == ["no", "yes"]


def test_a_privileged_container(w: World) -> None:
    """All capabilities that composer holds, no filter, nothing masked, the host's devices, a writable /sys."""
    script = "cat /proc/self/status; ls -l /dev; grep ' /sys ' /proc/mounts; touch /proc/sys/kernel/hostname && echo writable"
    status = w.output("a", "sh", "-c", script, privileged=True)
    assert _mask(status, "CapEff") == HELD and "Seccomp:\t0" in status
    assert " kmsg" in status and "writable" in status
    assert "/sys sysfs rw" in status


def test_the_environment_and_the_command(w: World) -> None:
    """Image, service and defaults in that order of weight; an entrypoint of the service's own drops the image's command."""
    image = ImageConfig(entrypoint=("false",), command=("lost",), environment={"A": "image", "B": "image"}, working_dir="/tmp")
    log = w.output("a", "-c", "env; pwd", image_config=image, entrypoint=("sh",), environment={"B": "service"})
    assert {"A=image", "B=service", "HOME=/", "HOSTNAME=box", "/tmp"} <= set(log.splitlines())


def test_memory_is_limited_and_the_kill_reported(w: World) -> None:
    """A container that needs more than its limit is killed: 137, and told as out of memory; the next run of it is told apart."""
    ended = w.finish("a", w.start("a", "sh", "-c", f"exec {EAT_MEMORY}", mem_limit=20 << 20))
    assert (ended.code, ended.oom_killed) == (137, True)
    w.runtime.delete("a", w.oci)
    again = w.finish("a", w.start("a", "true", mem_limit=20 << 20))
    assert (again.code, again.oom_killed) == (0, False)


def test_limits_are_in_the_cgroup(w: World) -> None:
    """memory with as much swap again, CPU as quota of 100 ms, processes; by default 2048 processes, 0 for no limit."""
    w.create("a", "true", mem_limit=64 << 20, cpus=0.5, pids_limit=7)
    assert _limit(w, "a", ("memory", "memory.limit_in_bytes"), "memory.max") == str(64 << 20)
    assert _limit(w, "a", ("memory", "memory.memsw.limit_in_bytes"), "memory.swap.max") in (str(128 << 20), str(64 << 20))
    assert _limit(w, "a", ("cpu", "cpu.cfs_quota_us"), "cpu.max").split()[0] == "50000"
    assert _limit(w, "a", ("pids", "pids.max"), "pids.max") == "7"
    w.create("b", "true")
    assert _limit(w, "b", ("pids", "pids.max"), "pids.max") == "2048"
    w.create("c", "true", pids_limit=-1)
    assert _limit(w, "c", ("pids", "pids.max"), "pids.max") == "max"


def test_processes_are_limited(w: World) -> None:
    """A shell that forks beyond its limit is refused by the kernel."""
    log = w.finish("a", w.start("a", "sh", "-c", "for i in $(seq 60); do sleep 5 & done", pids_limit=30))
    assert log.code != 0 and "fork" in w.log("a")


def test_open_files_stay_below_our_own_limit(w: World) -> None:
    """A million as with Docker, or what composer itself may have."""
    soft = int(w.output("a", "sh", "-c", "ulimit -n"))
    own = int(Path("/proc/self/limits").read_text().partition("Max open files")[2].split()[1])
    assert soft == (1048576 if "CAP_SYS_RESOURCE" in HELD else min(1048576, own))


def test_an_init_is_pid_1(w: World) -> None:
    """With init the command is a child, its code comes through, and orphans are reaped."""
    log = w.output("a", "sh", "-c", "cat /proc/1/comm; cat /proc/1/cmdline; echo; echo $$", init=True)
    assert "docker-init" in log and log.splitlines()[-1] != "1"
    assert w.finish("b", w.start("b", "sh", "-c", "exit 5", init=True)).code == 5


def test_devices_are_few(w: World) -> None:
    """The usual nodes work; a node of a disk can be made and not be opened."""
    log = w.output("a", "sh", "-c", "echo x > /dev/null; head -c 4 /dev/urandom | wc -c; ls /dev")
    assert log.split()[0] == "4" and "kmsg" not in log
    busybox = "busybox mknod /tmp/disk b 254 0 && head -c 1 /tmp/disk"
    ended = w.finish("b", w.start("b", "sh", "-c", busybox))
    assert ended.code != 0 and "not permitted" in w.log("b")
