"""Attributes of a service, each seen from inside its container."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.command_line import Composer
from tests.eventually import eventually
from tests.inside import address_of, lookup
from tests.records import pid_of, record


def pid1(composer: Composer, service: str) -> list[str]:
    """The words that PID 1 was started with."""
    return composer.inside(service, "cat", "/proc/1/cmdline").split("\0")[:-1]


def status(composer: Composer, service: str) -> dict[str, str]:
    """The lines of /proc/1/status."""
    rows = (line.partition(":") for line in composer.inside(service, "cat", "/proc/1/status").splitlines())
    return {key: value.strip() for key, _, value in rows}


def environment(composer: Composer, service: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in composer.inside(service, "cat", "/proc/1/environ").split("\0") if line)


def test_what_pid_1_is(composer: Composer) -> None:
    """command and entrypoint as text or list; an entrypoint drops the image's command; an empty one leaves the command alone."""
    composer.write(r"""
        x-image: &image
          image: localhost/test-entrypoint
          build:
            dockerfile_inline: |
              FROM busybox
              ENTRYPOINT ["/bin/sleep"]
              CMD ["1000"]
        services:
          plain: *image
          command: {<<: *image, command: "2000"}
          list: {<<: *image, command: ["3000", "1"]}
          both: {<<: *image, entrypoint: [sh, -c], command: ["sleep 4000; true"]}
          text: {<<: *image, entrypoint: "sleep 5000"}
          quoted: {<<: *image, entrypoint: [], command: "sh -c 'echo \"two  words\"; sleep 6000; true'"}
    """)
    composer("up", "-d")
    assert pid1(composer, "plain") == ["/bin/sleep", "1000"]
    assert pid1(composer, "command") == ["/bin/sleep", "2000"]
    assert pid1(composer, "list") == ["/bin/sleep", "3000", "1"]
    assert pid1(composer, "both") == ["sh", "-c", "sleep 4000; true"]
    assert pid1(composer, "text") == ["sleep", "5000"]
    assert pid1(composer, "quoted") == ["sh", "-c", 'echo "two  words"; sleep 6000; true']
    assert composer("logs", "--no-log-prefix", "quoted").out == "two  words\n"


def test_where_variables_come_from(composer: Composer) -> None:
    """environment beats env_file, a later env_file an earlier one; a name alone takes the caller's value, or is not there."""
    composer.write("ONE=first file\nTWO=first file\nTHREE=first file\n# comment\nQUOTED='a b'\n", name="one.env")
    composer.write("TWO=second file\nTHREE=second file\n", name="two.env")
    composer.write("""
        services:
          web:
            image: busybox
            command: [sleep, infinity]
            env_file: [one.env, two.env, {path: missing.env, required: false}]
            environment: {THREE: "service", EMPTY: "", GIVEN: , NOT_GIVEN: , DOLLAR: "$$HOME", NUMBER: 5}
          list: {image: busybox, command: [sleep, infinity], environment: [COLOUR=blue, GIVEN]}
    """)
    composer.env["GIVEN"] = "by the caller"
    composer("up", "-d")
    seen = environment(composer, "web")
    wanted = {"ONE": "first file", "TWO": "second file", "THREE": "service", "QUOTED": "a b", "EMPTY": "", "GIVEN": "by the caller",
              "DOLLAR": "$HOME", "NUMBER": "5", "HOME": "/root"}
    assert {name: seen.get(name) for name in wanted} == wanted
    assert "NOT_GIVEN" not in seen
    assert seen["PATH"].startswith("/usr/local/sbin:")
    assert {"COLOUR": "blue", "GIVEN": "by the caller"}.items() <= environment(composer, "list").items()
    assert "COMPOSER_ROOT" not in seen


def test_who_and_where(composer: Composer) -> None:
    """user by number and by name, with group; working_dir is made; hostname and container_name are what the file says."""
    composer.write("""
        services:
          web:
            image: busybox
            command: [sleep, infinity]
            user: nobody:users
            working_dir: /a/new/folder
            hostname: front-desk
            container_name: the-web
          number: {image: busybox, command: [sleep, infinity], user: "1234:5678"}
          plain: {image: busybox, command: [sleep, infinity]}
    """)
    composer("up", "-d")
    assert status(composer, "web")["Uid"].split() == ["65534"] * 4
    assert status(composer, "web")["Gid"].split() == ["100"] * 4
    assert status(composer, "number")["Uid"].split() == ["1234"] * 4
    assert status(composer, "number")["Gid"].split() == ["5678"] * 4
    assert composer.inside("web", "sh", "-c", "pwd; hostname; id -un; readlink /proc/1/cwd 2>/dev/null || pwd").split()[:3] == [
        "/a/new/folder", "front-desk", "nobody"]
    assert "front-desk" in composer.inside("web", "cat", "/etc/hosts")
    assert address_of(composer, "the-web") in composer.inside("web", "cat", "/etc/hosts")
    assert composer.inside("web", "cat", "/etc/hostname") == "front-desk\n"
    assert {row["Name"] for row in composer.ps()} == {"the-web", "shop-number-1", "shop-plain-1"}
    assert composer.inside("plain", "hostname").strip() == record(composer, "shop-plain-1").id[:12]
    assert lookup(composer, "shop-plain-1", "the-web").values == (address_of(composer, "the-web"),)


def test_labels(composer: Composer) -> None:
    """The file's labels, and those by which compose projects are known."""
    composer.write("""
        services:
          web: {image: busybox, command: [sleep, infinity], labels: {org.example.shelf: "5", empty: ""}, scale: 2}
          list: {image: busybox, command: [sleep, infinity], labels: [org.example.shelf=6]}
    """)
    composer("up", "-d")
    found = {row["Name"]: row["Labels"].split(",") for row in composer.ps()}
    assert {"org.example.shelf=5", "empty=", "com.docker.compose.project=shop", "com.docker.compose.service=web",
            "com.docker.compose.container-number=2", "com.docker.compose.oneoff=False"} <= set(found["shop-web-2"])
    assert "org.example.shelf=6" in found["shop-list-1"]


def test_an_init_reaps_and_passes_signals_on(composer: Composer) -> None:
    """init: true puts an init in front: it is PID 1, the command its child, orphans are reaped, and TERM arrives."""
    composer.write(r"""
        services:
          web:
            image: busybox
            init: true
            command: [sh, -c, "trap 'echo bye; exit 7' TERM; (sleep 0.01 &); echo began; while :; do sleep 0.05; done"]
    """)
    composer("up", "-d")
    eventually(lambda: "began" in composer("logs", "web").out)
    assert "init" in pid1(composer, "web")[0] or "tini" in pid1(composer, "web")[0]
    assert pid1(composer, "web")[-3:-1] == ["sh", "-c"]
    assert " Z " not in composer.inside("web", "sh", "-c", "cat /proc/[0-9]*/stat")
    composer("stop", "web")
    assert record(composer, "shop-web-1").exit_code == 7
    assert "bye" in composer("logs", "web").out


def test_stop_signal_and_grace_period(composer: Composer) -> None:
    """The signal of the file arrives; who does not end within the grace period is killed, and that is his exit code."""
    composer.write(r"""
        services:
          polite:
            image: busybox
            stop_signal: SIGUSR1
            command: [sh, -c, "trap 'echo usr1; exit 3' USR1; trap 'echo term; exit 4' TERM; echo began; while :; do sleep 0.05; done"]
          deaf:
            image: busybox
            stop_grace_period: 500ms
            command: [sh, -c, "trap : TERM; echo began; while :; do sleep 0.05; done"]
    """)
    composer("up", "-d")
    eventually(lambda: composer("logs").out.count("began") == 2)
    done = composer("stop")
    assert record(composer, "shop-polite-1").exit_code == 3
    assert "usr1" in composer("logs", "polite").out
    deaf = record(composer, "shop-deaf-1")
    assert deaf.exit_code == 137
    assert 0.5 < done.seconds < 5


DOCKERS = ("cap_chown,cap_dac_override,cap_fowner,cap_fsetid,cap_kill,cap_setgid,cap_setuid,cap_setpcap,cap_net_bind_service,"
           "cap_net_raw,cap_sys_chroot,cap_mknod,cap_audit_write,cap_setfcap")


def capabilities(mask: str) -> set[str]:
    decoded = subprocess.run(["capsh", f"--decode={mask}"], capture_output=True, text=True, check=True).stdout
    return set(decoded.strip().partition("=")[2].split(",")) - {""}


def test_capabilities(composer: Composer) -> None:
    """By default Docker's fourteen; cap_add and cap_drop change them, with ALL too; a user has none in effect; privileged has all."""
    composer.write("""
        x-idle: &idle {image: busybox, command: [sleep, infinity]}
        services:
          plain: *idle
          less: {<<: *idle, cap_drop: [ALL], cap_add: [NET_ADMIN, CAP_CHOWN]}
          other: {<<: *idle, cap_drop: [MKNOD, cap_net_raw], cap_add: [SYS_PTRACE]}
          user: {<<: *idle, user: "1234"}
          none: {<<: *idle, cap_drop: [ALL]}
          privileged: {<<: *idle, privileged: true}
    """)
    composer("up", "-d")
    default = set(DOCKERS.split(","))
    sets = {name: status(composer, name) for name in ("plain", "less", "other", "user", "none", "privileged")}
    effective = {name: capabilities(found["CapEff"]) for name, found in sets.items()}
    assert effective["plain"] == capabilities(sets["plain"]["CapBnd"]) == capabilities(sets["plain"]["CapPrm"]) == default
    assert capabilities(sets["plain"]["CapInh"]) == capabilities(sets["plain"]["CapAmb"]) == set()
    assert effective["less"] == {"cap_net_admin", "cap_chown"}
    assert effective["other"] == default - {"cap_mknod", "cap_net_raw"} | {"cap_sys_ptrace"}
    assert effective["user"] == effective["none"] == set()
    assert capabilities(sets["user"]["CapBnd"]) == default
    assert {"cap_sys_admin", "cap_net_admin"} <= effective["privileged"]

    assert composer("exec", "-T", "none", "chown", "5", "/tmp", code=None).code != 0
    composer.inside("plain", "chown", "5", "/tmp")
    assert composer("exec", "-T", "plain", "ip", "link", "set", "eth0", "down", code=None).code != 0
    composer.inside("less", "ip", "link", "set", "eth0", "down")


def test_the_sandbox(composer: Composer) -> None:
    """seccomp is on, new privileges are allowed, secrets of the kernel are masked, the rest of /proc and /sys read-only."""
    composer.write("""
        services:
          plain: {image: busybox, command: [sleep, infinity]}
          privileged: {image: busybox, command: [sleep, infinity], privileged: true}
    """)
    composer("up", "-d")
    plain, privileged = status(composer, "plain"), status(composer, "privileged")
    assert (plain["Seccomp"], plain["NoNewPrivs"]) == ("2", "0")
    assert (privileged["Seccomp"], privileged["NoNewPrivs"]) == ("0", "0")
    mounts = {line.split()[1]: line.split() for line in composer.inside("plain", "cat", "/proc/mounts").splitlines()}
    masked = [path for path in ("/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/interrupts") if os.path.exists(path)]
    assert masked, "this kernel has nothing to hide"
    for path in masked:
        assert path in mounts
        assert composer("exec", "-T", "plain", "cat", path, code=None).out == "", path
    for path in ("/proc/sys", "/proc/bus", "/proc/irq", "/sys"):
        assert "ro" in mounts[path][3].split(","), path
    assert composer.inside("plain", "ls", "/sys/firmware") == ""
    assert composer("exec", "-T", "plain", "sh", "-c", "echo 1 > /proc/sys/kernel/panic", code=None).code != 0
    assert composer("exec", "-T", "plain", "mount", "-t", "tmpfs", "none", "/mnt", code=None).code != 0
    shown = composer.inside("privileged", "cat", "/proc/mounts")
    assert not any(f" {path} " in shown for path in masked)
    composer.inside("privileged", "sh", "-c", "mkdir -p /m && mount -t tmpfs none /m")
    devices = set(composer.inside("plain", "ls", "/dev").split())
    assert {"null", "zero", "full", "random", "urandom", "tty", "pts", "shm"} <= devices <= {
        "null", "zero", "full", "random", "urandom", "tty", "pts", "shm", "mqueue", "ptmx", "fd", "stdin", "stdout", "stderr", "core",
        "console"}
    assert len(set(composer.inside("privileged", "ls", "/dev").split())) > len(devices)
    assert composer.inside("plain", "sh", "-c", "ls -d /proc/[0-9]*").startswith("/proc/1\n"), "its own processes are all it sees"


def test_limits_are_the_kernels(composer: Composer) -> None:
    """mem_limit, cpus and pids_limit, also as deploy.resources.limits, are the values of the container's group."""
    composer.write("""
        services:
          web: {image: busybox, command: [sleep, infinity], mem_limit: 64m, cpus: 0.5, pids_limit: 20}
          deployed:
            image: busybox
            command: [sleep, infinity]
            deploy: {resources: {limits: {memory: 48M, cpus: "0.25", pids: 30}}}
          plain: {image: busybox, command: [sleep, infinity]}
    """)
    composer("up", "-d")
    assert limits(composer, "shop-web-1") == (64 << 20, 0.5, 20)
    assert limits(composer, "shop-deployed-1") == (48 << 20, 0.25, 30)
    memory, cpu, _pids = limits(composer, "shop-plain-1")
    assert memory > 1 << 40
    assert cpu is None
    many = composer("exec", "-T", "web", "sh", "-c", "for i in $(seq 40); do sleep 1 & done; wait", code=None)
    assert many.code != 0
    assert "fork" in many.said


def limits(composer: Composer, container: str) -> tuple[int, float | None, int]:
    """Memory in bytes, processors, processes; from cgroup v1 or v2, whichever the machine has."""
    rows = [line.split(":", 2) for line in Path(f"/proc/{pid_of(composer, container)}/cgroup").read_text().splitlines()]
    v1 = {name: path for _, names, path in rows for name in names.split(",") if name}
    if "memory" in v1:
        def read(controller: str, file: str) -> int:
            return int(Path(f"/sys/fs/cgroup/{controller}{v1[controller]}/{file}").read_text())

        quota, period = read("cpu", "cpu.cfs_quota_us"), read("cpu", "cpu.cfs_period_us")
        return read("memory", "memory.limit_in_bytes"), quota / period if quota > 0 else None, read("pids", "pids.max")
    group = Path("/sys/fs/cgroup" + rows[0][2])
    memory, cpu = (group / "memory.max").read_text().strip(), (group / "cpu.max").read_text().split()
    return (int(memory) if memory != "max" else 1 << 62, None if cpu[0] == "max" else int(cpu[0]) / int(cpu[1]),
            int((group / "pids.max").read_text()))


def test_running_out_of_memory_is_said(composer: Composer) -> None:
    """A container that the kernel killed for its memory limit has exit code 137 and is reported as such."""
    composer.write("""
        services:
          web: {image: busybox, mem_limit: 16m, command: [sh, -c, "x=x; while :; do x=$$x$$x; done"]}
    """)
    composer("up", "-d")
    eventually(lambda: record(composer, "shop-web-1").status == "exited", timeout=20)
    ended = record(composer, "shop-web-1")
    assert ended.exit_code == 137
    assert ended.oom_killed
    assert "Exited (137, out of memory)" in composer("ps", "-a").out


def test_scale_and_replicas(composer: Composer) -> None:
    """scale and deploy.replicas say how many; container_name and several do not go together."""
    composer.write("""
        services:
          web: {image: busybox, command: [sleep, infinity], scale: 2}
          app: {image: busybox, command: [sleep, infinity], deploy: {replicas: 3}}
          none: {image: busybox, command: [sleep, infinity], scale: 0}
    """)
    composer("up", "-d")
    assert sorted(row["Name"] for row in composer.ps()) == ["shop-app-1", "shop-app-2", "shop-app-3", "shop-web-1", "shop-web-2"]
    assert len({address_of(composer, row["Name"]) for row in composer.ps()}) == 5
    composer.write("services: {web: {image: busybox, command: [sleep, infinity], container_name: one, scale: 2}}")
    done = composer("up", "-d", code=1)
    assert "container_name" in done.err


def programs_without(missing: str, folder: Path) -> Path:
    """A folder with links to all programs on PATH but one."""
    for path in reversed(os.environ["PATH"].split(":")):
        for program in Path(path).iterdir() if Path(path).is_dir() else ():
            if program.name != missing:
                (folder / program.name).unlink(missing_ok=True)
                (folder / program.name).symlink_to(program)
    return folder


@pytest.mark.parametrize("how", ["named", "crun missing"])
def test_another_runtime(composer: Composer, how: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """runtime: runc runs the container under runc; where crun is missing runc is taken without being asked."""
    if how == "crun missing":
        composer.env["PATH"] = str(programs_without("crun", tmp_path_factory.mktemp("bin")))
    chosen = "runtime: runc, " if how == "named" else ""
    composer.write(f"services: {{web: {{{chosen}image: busybox, mem_limit: 64m, command: [sleep, infinity]}}}}")
    composer("up", "-d")
    (state,) = [path for path in composer.projects()[0].oci.rglob("*") if path.name in ("state.json", "status")]
    assert state.name == "state.json", "runc keeps state.json, crun a file called status"
    assert json.loads(state.read_text())["id"] == record(composer, "shop-web-1").id
    assert composer.inside("web", "hostname").strip() == record(composer, "shop-web-1").id[:12]
    assert limits(composer, "shop-web-1")[0] == 64 << 20
    assert status(composer, "web")["Seccomp"] == "2"
    assert set(capabilities(status(composer, "web")["CapEff"])) == set(DOCKERS.split(","))
    composer("stop", "web")
    composer("start", "web")
    assert composer.inside("web", "echo", "back") == "back\n"


def test_an_unknown_runtime_is_refused(composer: Composer) -> None:
    """By name, before anything is made."""
    composer.write("services: {web: {runtime: nosuch, image: busybox, command: [sleep, infinity]}}")
    done = composer("up", "-d", code=1)
    assert re.search("nosuch.*not found", done.err)
    assert composer.ps() == []
