"""Further attributes of a service, each seen from inside its container: names, namespaces, limits, confinement, devices, logs."""

from __future__ import annotations

import json
import os
import resource
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest
from dnslib import RR, A, DNSRecord

from composer.network.namespaces import apart
from composer.runtime.cgroups import detect
from tests.command_line import Composer
from tests.eventually import eventually
from tests.inside import address_of, lookup, network_of
from tests.records import kill, pid_of, places_of, record

IDLE = """
    x-idle: &idle
      image: busybox
      command: [sleep, infinity]
"""


def status(composer: Composer, service: str) -> dict[str, str]:
    """The lines of /proc/1/status."""
    rows = (line.partition(":") for line in composer.inside(service, "cat", "/proc/1/status").splitlines())
    return {key: value.strip() for key, _, value in rows}


def namespace(composer: Composer, container: str, kind: str) -> str:
    """The identity of a namespace of PID 1."""
    return os.readlink(f"/proc/{pid_of(composer, container)}/ns/{kind}")


def limit(composer: Composer, container: str, controller: str, v1: str, v2: str) -> str:
    """A file of the container's cgroup."""
    layout = detect(Path("/proc/self/mountinfo").read_text())
    top = layout.unified if layout.version == 2 else layout.controller(controller)
    assert top is not None, f"no cgroup hierarchy for {controller}"
    groups = (line.split(":") for line in Path(f"/proc/{pid_of(composer, container)}/cgroup").read_text().splitlines())
    path = next(group for _, names, group in groups if (names == "" if layout.version == 2 else controller in names.split(",")))
    return (top / path.lstrip("/") / (v2 if layout.version == 2 else v1)).read_text().strip()


# ---------------------------------------------------------------- names


def test_extra_hosts(composer: Composer) -> None:
    """Lines of /etc/hosts: several addresses a name, IPv6, and host-gateway, by which a port of the host is reached."""
    with socket.create_server(("0.0.0.0", 0)) as server:
        port = server.getsockname()[1]
        composer.write(IDLE + """
    services:
      web: {<<: *idle, extra_hosts: ["one=10.1.1.1", "one=10.1.1.2", "six=[fd00::6]", "outside=host-gateway"]}
        """)
        composer("up", "-d")
        rows = [line.split() for line in composer.inside("web", "cat", "/etc/hosts").splitlines()]
        assert [row[0] for row in rows if "one" in row] == ["10.1.1.1", "10.1.1.2"]
        assert ["fd00::6", "six"] in rows
        composer.inside("web", "nc", "-w", "5", "outside", str(port), "-e", "true")


@contextmanager
def name_server(server: socket.socket, answer: str) -> Iterator[list[str]]:
    """A DNS server on a bound socket that answers every question with one address; gives the names that it was asked for."""
    asked: list[str] = []

    def serve() -> None:
        while True:
            packet, client = server.recvfrom(4096)
            if packet == b"end":
                return
            question = DNSRecord.parse(packet)
            asked.append(str(question.q.qname))
            reply = question.reply()
            reply.add_answer(RR(question.q.qname, rdata=A(answer), ttl=5))
            server.sendto(reply.pack(), client)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield asked
    finally:
        server.sendto(b"end", server.getsockname())
        thread.join(5)
        server.close()


def bound(address: str) -> socket.socket:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 53))
    return server


def test_dns(composer: Composer) -> None:
    """Each service's own servers are asked for what is not the project's; search domains and options are in resolv.conf."""
    composer.write(IDLE + """
    services:
      one: {<<: *idle, dns: 127.0.0.31, dns_search: [a.example, b.example], dns_opt: ["ndots:2", "timeout:3"]}
      two: {<<: *idle, dns: [127.0.0.32], dns_search: .}
      none: {<<: *idle, network_mode: none, dns: [192.0.2.53]}
    """)
    composer("up", "-d")
    with name_server(bound("127.0.0.31"), "192.0.2.1"), name_server(bound("127.0.0.32"), "192.0.2.2"):
        assert lookup(composer, "shop-one-1", "outside.example").values == ("192.0.2.1",)
        assert lookup(composer, "shop-two-1", "outside.example").values == ("192.0.2.2",)
    assert lookup(composer, "shop-one-1", "two").values == (address_of(composer, "shop-two-1"),)
    text = composer.inside("one", "cat", "/etc/resolv.conf")
    assert text == "nameserver 127.0.0.11\nsearch a.example b.example\noptions ndots:2 timeout:3\n"
    assert "search" not in composer.inside("two", "cat", "/etc/resolv.conf")
    assert "nameserver 192.0.2.53\n" in composer.inside("none", "cat", "/etc/resolv.conf")


def test_a_container_may_be_the_name_server(composer: Composer) -> None:
    """`dns:` with the fixed address of another service: a question for the outside arrives there, and its answer comes back."""
    composer.write(IDLE + """
    services:
      names: {<<: *idle, networks: {default: {ipv4_address: 10.199.7.53}}}
      web: {<<: *idle, dns: 10.199.7.53}
    networks: {default: {ipam: {config: [{subnet: 10.199.7.0/24}]}}}
    """)
    composer("up", "-d")
    with network_of(composer, "shop-names-1") as netns:
        server = apart(lambda: bound("10.199.7.53"), netns=netns)
    with name_server(server, "192.0.2.3") as asked:
        assert lookup(composer, "shop-web-1", "outside.example").values == ("192.0.2.3",)
    assert asked == ["outside.example."]


def test_links(composer: Composer) -> None:
    """An alias is known to the linking service alone, and the linked service starts first."""
    composer.write(IDLE + """
    services:
      web: {<<: *idle, links: ["db:database", cache]}
      db: *idle
      cache: *idle
      other: *idle
    """)
    composer("up", "-d", "web")
    composer("up", "-d")
    assert lookup(composer, "shop-web-1", "database").values == (address_of(composer, "shop-db-1"),)
    assert lookup(composer, "shop-web-1", "db").values == lookup(composer, "shop-web-1", "database").values
    assert lookup(composer, "shop-web-1", "cache").values == (address_of(composer, "shop-cache-1"),)
    assert lookup(composer, "shop-other-1", "database").values == ()


def test_domainname_and_mac_address(composer: Composer) -> None:
    """The full name is in /etc/hosts and the domain the kernel's; the MAC address is that of the first network."""
    composer.write(IDLE + "    services: {web: {<<: *idle, hostname: shop, domainname: example.com, mac_address: '02:00:00:aa:bb:cc'}}")
    composer("up", "-d")
    address = address_of(composer, "shop-web-1")
    assert [address, "shop.example.com", "shop"] in [line.split() for line in composer.inside("web", "cat", "/etc/hosts").splitlines()]
    assert composer.inside("web", "cat", "/proc/sys/kernel/domainname") == "example.com\n"
    assert composer.inside("web", "cat", "/sys/class/net/eth0/address") == "02:00:00:aa:bb:cc\n"


# ---------------------------------------------------------------- namespaces


SHARED = IDLE + """
    services:
      db: {<<: *idle, hostname: till, extra_hosts: ["one=10.1.1.1"], ports: ["127.0.0.1::8080"], restart: always}
      beside: {<<: *idle, network_mode: "service:db"}
"""


def test_a_network_is_shared(composer: Composer) -> None:
    """network_mode: service:X has X's interfaces, hosts, host name and resolver; what listens there is reached by X's published port."""
    composer.write(SHARED)
    composer("up", "-d")
    assert namespace(composer, "shop-beside-1", "net") == namespace(composer, "shop-db-1", "net")
    assert namespace(composer, "shop-beside-1", "pid") != namespace(composer, "shop-db-1", "pid")
    assert composer.inside("beside", "cat", "/etc/hosts") == composer.inside("db", "cat", "/etc/hosts")
    assert composer.inside("beside", "hostname") == "till\n"
    assert "nameserver 127.0.0.11\n" in composer.inside("beside", "cat", "/etc/resolv.conf")
    with network_of(composer, "shop-beside-1") as netns:
        server = apart(lambda: socket.create_server(("0.0.0.0", 8080)), netns=netns)
    port = int(composer("port", "db", "8080").out.rpartition(":")[2])
    with server, socket.create_connection(("127.0.0.1", port), timeout=5):
        server.accept()[0].close()
    composer.write(SHARED.replace('network_mode: "service:db"', 'network_mode: "service:db", ports: ["1"]'))
    assert "services.beside.ports: not possible with network_mode: service:db" in composer("up", "-d", code=1).err


def test_who_shares_a_network_follows_it(composer: Composer) -> None:
    """After `restart db`, after db's crash, and when db is made anew, the other one is in db's present namespace."""
    composer.write(SHARED)
    composer("up", "-d")

    def together() -> bool:
        return (record(composer, "shop-beside-1").status == "running" == record(composer, "shop-db-1").status
                and namespace(composer, "shop-beside-1", "net") == namespace(composer, "shop-db-1", "net"))

    first = namespace(composer, "shop-db-1", "net")
    composer("restart", "db", "-t", "0")
    assert together()
    kill(pid_of(composer, "shop-db-1"))
    eventually(lambda: record(composer, "shop-db-1").restarts == 1 and together())
    composer.write(SHARED.replace("hostname: till", "hostname: desk"))
    composer("up", "-d")
    assert together()
    assert composer.inside("beside", "hostname") == "desk\n"
    composer("stop", "db", "-t", "0")
    composer("start", "db")
    eventually(together)
    assert composer("up", "-d").code == 0
    assert namespace(composer, "shop-db-1", "net") != first or together()


def test_who_shares_a_pid_namespace_ends_with_it(composer: Composer) -> None:
    """The kernel ends all in it; a restart policy brings both back, the owner first."""
    composer.write("""
    services:
      owner: {image: busybox, command: [sleep, infinity], restart: on-failure}
      guest: {image: busybox, command: [sleep, infinity], restart: on-failure, pid: "service:owner"}
    """)
    composer("up", "-d")
    kill(pid_of(composer, "shop-owner-1"))
    eventually(lambda: record(composer, "shop-guest-1").restarts >= 1 and record(composer, "shop-guest-1").status == "running")
    assert namespace(composer, "shop-guest-1", "pid") == namespace(composer, "shop-owner-1", "pid")


def test_pid_ipc_and_uts(composer: Composer) -> None:
    """pid, ipc (with /dev/shm) and uts namespaces of the host or of another service."""
    composer.write(IDLE + """
    services:
      owner: {<<: *idle, command: [sh, -c, "echo from-owner > /dev/shm/note; sleep infinity"], ipc: shareable}
      guest: {<<: *idle, pid: "service:owner", ipc: "service:owner", depends_on: {owner: {condition: service_started}}}
      host: {<<: *idle, pid: host, ipc: host, uts: host, userns_mode: host, cgroup: host}
    """)
    composer("up", "-d")
    for kind in ("pid", "ipc"):
        assert namespace(composer, "shop-guest-1", kind) == namespace(composer, "shop-owner-1", kind)
        assert namespace(composer, "shop-host-1", kind) == os.readlink(f"/proc/self/ns/{kind}")
    assert Path(f"/proc/{pid_of(composer, 'shop-guest-1')}/status").read_text().split("NSpid:")[1].split()[1] != "1"
    eventually(lambda: composer.inside("guest", "cat", "/dev/shm/note") == "from-owner\n")
    composer.inside("guest", "sh", "-c", "echo back > /dev/shm/answer")
    assert composer.inside("owner", "cat", "/dev/shm/answer") == "back\n"
    assert composer.inside("host", "hostname").strip() == socket.gethostname()
    assert namespace(composer, "shop-host-1", "cgroup") == os.readlink("/proc/self/ns/cgroup")


# ---------------------------------------------------------------- the process


def test_groups_terminal_and_stdin(composer: Composer) -> None:
    """group_add by name and number; tty gives a terminal, stdin_open an stdin that does not end."""
    composer.write("""
        services:
          groups: {image: busybox, command: [sleep, infinity], user: "1000:1000", group_add: [root, "4711"]}
          terminal: {image: busybox, command: [sh, -c, "tty; sleep infinity"], tty: true}
          none: {image: busybox, command: [sh, -c, "tty; cat; echo over"]}
          open: {image: busybox, command: [cat], stdin_open: true}
    """)
    composer("up", "-d")
    assert status(composer, "groups")["Groups"].split() == ["0", "1000", "4711"]
    assert composer("exec", "-T", "--user", "7:8", "groups", "id", "-G").out.split() == ["8", "0", "4711"]
    eventually(lambda: "/dev/pts/0" in composer("logs", "--no-log-prefix", "terminal").out)
    eventually(lambda: record(composer, "shop-none-1").status == "exited")
    assert composer("logs", "--no-log-prefix", "none").out.splitlines() == ["not a tty", "over"]
    assert record(composer, "shop-open-1").status == "running"


def test_ulimits(composer: Composer) -> None:
    """One number or soft and hard; what is above composer's own limit is lowered, and that is said."""
    composer.write("""
        services:
          web:
            image: busybox
            command: [sleep, infinity]
            ulimits: {nproc: 300, nofile: {soft: 100, hard: 200}, memlock: -1, core: 0}
          greedy: {image: busybox, command: [sleep, infinity], ulimits: {nofile: 1000000000}}
    """)
    said = composer("up", "-d").err
    top = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert f"services.greedy.ulimits.nofile: lowered to {top}" in said
    assert "services.web.ulimits.nofile" not in said
    rows = {line[:26].strip(): line[26:].split()[:2] for line in composer.inside("web", "cat", "/proc/1/limits").splitlines()}
    assert rows["Max processes"] == ["300", "300"]
    assert rows["Max open files"] == ["100", "200"]
    assert rows["Max core file size"] == ["0", "0"]


def test_sysctls_shm_size_and_annotations(composer: Composer) -> None:
    """Kernel parameters of the namespaces, the size of /dev/shm, and annotations of config.json."""
    composer.write(IDLE + """
    services:
      web: {<<: *idle, sysctls: {net.core.somaxconn: 777, kernel.msgmax: "9000"}, shm_size: 10m, annotations: {a.b: c}}
    """)
    composer("up", "-d")
    assert composer.inside("web", "cat", "/proc/sys/net/core/somaxconn") == "777\n"
    assert composer.inside("web", "cat", "/proc/sys/kernel/msgmax") == "9000\n"
    assert composer.inside("web", "df", "-k", "/dev/shm").splitlines()[-1].split()[1] == "10240"
    config = json.loads(places_of(composer).container(record(composer, "shop-web-1").id).config.read_text())
    assert config["annotations"]["a.b"] == "c"


# ---------------------------------------------------------------- limits


def test_memory_and_processors(composer: Composer) -> None:
    """Reservation, swap, weights, processors and the OOM score arrive in the kernel."""
    composer.write(IDLE + """
    services:
      memory: {<<: *idle, mem_limit: 64m, mem_reservation: 32m, memswap_limit: 96m, oom_score_adj: 500}
      deploy: {<<: *idle, deploy: {resources: {reservations: {memory: 20m, cpus: "0.5"}}}}
      cpu: {<<: *idle, cpu_shares: 256, cpuset: "0", cpu_quota: 20000, cpu_period: 50000}
    """)
    composer("up", "-d")
    name = "shop-memory-1"
    assert limit(composer, name, "memory", "memory.limit_in_bytes", "memory.max") == str(64 << 20)
    assert limit(composer, name, "memory", "memory.soft_limit_in_bytes", "memory.low") == str(32 << 20)
    assert composer.inside("memory", "cat", "/proc/1/oom_score_adj") == "500\n"
    assert limit(composer, "shop-deploy-1", "memory", "memory.soft_limit_in_bytes", "memory.low") == str(20 << 20)
    assert limit(composer, "shop-cpu-1", "cpuset", "cpuset.cpus", "cpuset.cpus") == "0"
    layout = detect(Path("/proc/self/mountinfo").read_text())
    if layout.version == 1:
        assert limit(composer, "shop-cpu-1", "cpu", "cpu.shares", "") == "256"
        assert limit(composer, "shop-deploy-1", "cpu", "cpu.shares", "") == "512"
        assert limit(composer, "shop-cpu-1", "cpu", "cpu.cfs_quota_us", "") == "20000"
        assert limit(composer, "shop-cpu-1", "cpu", "cpu.cfs_period_us", "") == "50000"
        if layout.accounts_swap():
            assert limit(composer, name, "memory", "memory.memsw.limit_in_bytes", "") == str(96 << 20)
    assert status(composer, "cpu")["Cpus_allowed_list"] == "0"


# ---------------------------------------------------------------- confinement


def test_security_options(composer: Composer) -> None:
    """no-new-privileges, no filter, a filter of one's own, no masked paths."""
    profile = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}
    composer.write(json.dumps(profile), name="filter.json")
    text = IDLE + """
    services:
      plain: *idle
      safe: {<<: *idle, security_opt: ["no-new-privileges:true", "label:disable", "apparmor=unconfined"]}
      open: {<<: *idle, security_opt: [seccomp=unconfined, systempaths=unconfined]}
      own: {<<: *idle, security_opt: ["seccomp:./filter.json"]}
    """
    composer.write(text)
    composer("up", "-d")
    assert (status(composer, "plain")["NoNewPrivs"], status(composer, "plain")["Seccomp"]) == ("0", "2")
    assert (status(composer, "safe")["NoNewPrivs"], status(composer, "safe")["Seccomp"]) == ("1", "2")
    assert status(composer, "open")["Seccomp"] == "0"
    assert " /proc/sys " in composer.inside("plain", "cat", "/proc/mounts")
    assert " /proc/sys " not in composer.inside("open", "cat", "/proc/mounts")
    assert "Operation not permitted" in composer("exec", "-T", "own", "mkdir", "/tmp/x", code=1).said
    made = record(composer, "shop-own-1").id
    composer.write(json.dumps({"defaultAction": "SCMP_ACT_ALLOW"}), name="filter.json")
    composer("up", "-d")
    assert record(composer, "shop-own-1").id != made, "another profile makes another container"
    composer.inside("own", "mkdir", "/tmp/x")
    (composer.folder / "filter.json").unlink()
    assert "filter.json: No such file" in composer("up", "-d", code=1).err


def test_devices(composer: Composer) -> None:
    """A device of the host by its own or another name, with its rights; rules of the device cgroup; a missing one is refused."""
    composer.write(IDLE + """
    services:
      web: {<<: *idle, devices: ["/dev/net/tun", "/dev/loop-control:/dev/other/loop:r"], device_cgroup_rules: ["c 10:229 rw"]}
      plain: *idle
    """)
    composer("up", "-d")
    assert composer.inside("web", "stat", "-c", "%t:%T", "/dev/net/tun") == "a:c8\n"
    composer.inside("web", "sh", "-c", "exec 3<>/dev/net/tun")
    composer.inside("web", "sh", "-c", "exec 3</dev/other/loop")
    assert "not permitted" in composer("exec", "-T", "web", "sh", "-c", "exec 3>/dev/other/loop", code=None).said
    assert "not permitted" in composer("exec", "-T", "plain", "sh", "-c", "mknod /tun c 10 200 && exec 3<>/tun", code=None).said
    assert "not permitted" not in composer("exec", "-T", "web", "sh", "-c", "mknod /fuse c 10 229 && exec 3<>/fuse", code=None).said
    composer.write(IDLE + "    services: {web: {<<: *idle, devices: [/dev/nothing-here]}}")
    assert "services.web.devices: /dev/nothing-here is not there" in composer("up", "-d", code=1).err


# ---------------------------------------------------------------- logs


def test_logs_are_rotated(composer: Composer) -> None:
    """No file is much above max-size, no more than max-file are kept, and `logs` reads over them without a gap."""
    composer.write("""
        services:
          chatty:
            image: busybox
            command:
              - sh
              - -c
              - |
                i=0
                while [ $$i -lt 30 ]; do
                  j=0; while [ $$j -lt 100 ]; do echo line $$((i*100+j)); j=$$((j+1)); done
                  i=$$((i+1)); sleep 0.15
                done
                sleep infinity
            logging: {driver: json-file, options: {max-size: 20k, max-file: "3"}}
          silent: {image: busybox, command: [sh, -c, "echo nobody; sleep infinity"], logging: {driver: none}}
    """)
    composer("up", "-d")
    log = places_of(composer).container(record(composer, "shop-chatty-1").id).log
    eventually(lambda: log.exists() and "line 2999" in composer("logs", "--no-log-prefix", "--tail", "1", "chatty").out, timeout=30)
    files = sorted(log.parent.glob("container.log*"))
    assert [file.name for file in files] == ["container.log", "container.log.1", "container.log.2"]
    assert all(file.stat().st_size < 100_000 for file in files)
    lines = [line for line in composer("logs", "--no-log-prefix", "chatty").out.splitlines() if line.startswith("line ")]
    numbers = [int(line.split()[1]) for line in lines]
    assert numbers[-1] == 2999
    assert numbers == list(range(numbers[0], 3000))
    assert numbers[0] > 0, "the oldest file is gone"
    assert composer("logs", "silent").out == ""
    assert not places_of(composer).container(record(composer, "shop-silent-1").id).log.exists()


@pytest.mark.parametrize(("command", "files"), [('[seq, "200000"]', 3), ("[sh, -c, seq 200000; sleep infinity]", 2)])
def test_a_burst_is_trimmed_to_the_limit(composer: Composer, command: str, files: int) -> None:
    """However fast a container writes, and though it ends at once: max-size times max-file are kept, the newest, without a gap."""
    composer.write(f"""
        services:
          web: {{image: busybox, command: {command}, logging: {{options: {{max-size: 100k, max-file: "{files}"}}}}}}
    """)
    composer("up", "-d")
    log = places_of(composer).container(record(composer, "shop-web-1").id).log
    eventually(lambda: composer("logs", "--no-log-prefix", "--tail", "1").out == "200000\n", timeout=30)
    eventually(lambda: sum(file.stat().st_size for file in log.parent.glob("container.log*")) <= files * 102_400, timeout=30)
    numbers = [int(line) for line in composer("logs", "--no-log-prefix").out.splitlines()][1:]
    assert numbers == list(range(numbers[0], 200_001))


def test_the_restart_policy_of_deploy(composer: Composer) -> None:
    """condition, delay and max_attempts are obeyed, and win over `restart`."""
    composer.write("""
        services:
          web:
            image: busybox
            command: [sh, -c, "echo try; exit 3"]
            restart: always
            deploy: {restart_policy: {condition: on-failure, delay: 300ms, max_attempts: 2}}
    """)
    composer("up", "-d")
    eventually(lambda: (one := record(composer, "shop-web-1")).restarts == 2 and one.status == "exited", timeout=20)
    lines = composer("logs", "-t", "--no-log-prefix", "web").out.splitlines()
    at = [datetime.fromisoformat(line.split()[0]).timestamp() for line in lines]
    assert len(at) == 3
    assert all(later - earlier >= 0.3 for earlier, later in pairwise(at))
