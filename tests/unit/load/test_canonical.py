"""Short syntax becomes long syntax."""

from __future__ import annotations

from typing import Any

import pytest

from tests.compose_folder import Folder

PORT = {"mode": "ingress", "protocol": "tcp"}


@pytest.mark.parametrize(("short", "long"), [
    ("80", [{**PORT, "target": 80}]),
    ('"8080:80"', [{**PORT, "target": 80, "published": "8080"}]),
    ('"127.0.0.1:53:53/udp"', [{**PORT, "host_ip": "127.0.0.1", "target": 53, "published": "53", "protocol": "udp"}]),
    ('"[::1]:1:2"', [{**PORT, "host_ip": "::1", "target": 2, "published": "1"}]),
    ('"1-2:3-4"', [{**PORT, "target": 3, "published": "1"}, {**PORT, "target": 4, "published": "2"}]),
    ('"5-6"', [{**PORT, "target": 5}, {**PORT, "target": 6}]),
    ('"8000-9000:80"', [{**PORT, "target": 80, "published": "8000-9000"}]),
    ("{target: '80', published: 8080}", [{**PORT, "target": 80, "published": "8080"}]),
])
def test_ports(folder: Folder, short: str, long: list[dict[str, Any]]) -> None:
    """A short port is one long entry, or one for each port of a range."""
    assert folder.service(f"ports: [{short}]")["ports"] == long


@pytest.mark.parametrize(("short", "message"), [
    ('"a:80"', "invalid hostPort: a"), ('"80:b"', "invalid containerPort: b"), ('"x:1:2"', "invalid IP address: x"), ('"70000:1"', "70000"),
    ('"1-2:3-5"', "invalid ranges specified for container and host Ports: 3-5 and 1-2"), ('"80/icmp"', "invalid proto: icmp"),
    ('"80:"', "no port specified"), ("{published: 1}", "is missing a target port")])
def test_bad_ports(folder: Folder, short: str, message: str) -> None:
    """A port that cannot be is refused with its path and place."""
    printed = folder.refusal(lambda: folder.service(f"ports: [{short}]"))
    assert printed.startswith("services.web.ports[0]: ")
    assert message in printed
    assert "compose.yaml, line 2" in printed


@pytest.mark.parametrize(("short", "long"), [
    ("/anon", {"type": "volume", "target": "/anon", "volume": {}}),
    ("data:/a/", {"type": "volume", "source": "data", "target": "/a", "volume": {}}),
    ("data:/a:nocopy", {"type": "volume", "source": "data", "target": "/a", "volume": {"nocopy": True}}),
    ("/s:/a:ro", {"type": "bind", "source": "/s", "target": "/a", "read_only": True, "bind": {"create_host_path": True}}),
    ("./s:/a:rslave,z", {"type": "bind", "source": "./s", "target": "/a",
                         "bind": {"propagation": "rslave", "selinux": "z", "create_host_path": True}}),
    ("/s:/a:ro,rw", {"type": "bind", "source": "/s", "target": "/a", "bind": {"create_host_path": True}}),
])
def test_volumes(folder: Folder, short: str, long: dict[str, Any]) -> None:
    """A source that looks like a path is a bind, another one the name of a volume."""
    assert folder.service(f'volumes: ["{short}"]', resolve_paths=False)["volumes"] == [long]


@pytest.mark.parametrize(("short", "message"), [("", "invalid empty volume spec"), (":/a", "empty section between colons"),
                                                ("/a:/b:ro:x", "too many colons")])
def test_bad_volumes(folder: Folder, short: str, message: str) -> None:
    """A mount that cannot be split is refused."""
    assert message in folder.refusal(lambda: folder.service(f'volumes: ["{short}"]'))


def test_targets_of_the_long_form_are_cleaned_by_normalisation(folder: Folder) -> None:
    """Until then only those of the short form are."""
    mounts = "volumes: [{type: bind, source: /a, target: /b/../c/}, '/d:/e/']"
    assert [mount["target"] for mount in folder.service(mounts)["volumes"]] == ["/b/../c/", "/e"]
    assert [mount["target"] for mount in folder.service(mounts, normalize=True)["volumes"]] == ["/c", "/e"]


@pytest.mark.parametrize(("short", "long"), [
    ("environment: [A=1, B=, C]", {"environment": {"A": "1", "B": "", "C": None}}),
    ("environment: {A: 1, B: true, C: 2.50}", {"environment": {"A": "1", "B": "true", "C": "2.5"}}),
    ("labels: [a=b, c]", {"labels": {"a": "b", "c": ""}}),
    ("command: sh -c 'a b'", {"command": ["sh", "-c", "a b"]}),
    ("entrypoint: ''", {"entrypoint": []}),
    ("healthcheck: {test: curl x, interval: 90s, retries: '3'}",
     {"healthcheck": {"test": ["CMD-SHELL", "curl x"], "interval": "1m30s", "retries": 3}}),
    ("depends_on: [db]", {"depends_on": {"db": {"condition": "service_started", "required": True}}}),
    ("depends_on: {db: {condition: service_healthy}}", {"depends_on": {"db": {"condition": "service_healthy", "required": True}}}),
    ("networks: [front]", {"networks": {"front": None}}),
    ("secrets: [pw]", {"secrets": [{"source": "pw", "target": "/run/secrets/pw"}]}),
    ("secrets: [{source: pw, target: x, mode: 0400}]", {"secrets": [{"source": "pw", "target": "x", "mode": "0400"}]}),
    ("configs: [c]", {"configs": [{"source": "c"}]}),
    ("build: ./app", {"build": {"context": "./app"}}),
    ("build: {args: [A=1, B]}", {"build": {"context": ".", "args": {"A": "1", "B": None}}}),
    ("mem_limit: 1.5g, cpus: '0.50', pids_limit: '5'", {"mem_limit": "1610612736", "cpus": 0.5, "pids_limit": 5}),
    ("tmpfs: /a", {"tmpfs": ["/a"]}),
    ("dns: 1.1.1.1", {"dns": ["1.1.1.1"]}),
    ("extra_hosts: ['a:1.1.1.1', 'b=[::1]']", {"extra_hosts": ["a=1.1.1.1", "b=::1"]}),
    ("devices: ['/dev/a', '/dev/b:/dev/c:r']", {"devices": [{"source": "/dev/a", "target": "/dev/a", "permissions": "rwm"},
                                                           {"source": "/dev/b", "target": "/dev/c", "permissions": "r"}]}),
    ("gpus: all", {"gpus": [{"count": -1}]}),
    ("ulimits: {nofile: '5', nproc: {soft: 1, hard: 2}}", {"ulimits": {"nofile": 5, "nproc": {"soft": 1, "hard": 2}}}),
    ("init: 'yes', expose: [80], pull_policy: if_not_present", {"init": True, "expose": ["80"], "pull_policy": "missing"}),
    ("develop: {watch: [{path: [a, b], action: restart, ignore: x}]}",
     {"develop": {"watch": [{"path": "a", "action": "restart", "ignore": ["x"]}, {"path": "b", "action": "restart", "ignore": ["x"]}]}}),
    ("stop_grace_period: 1m", {"stop_grace_period": "1m0s"}),
])
def test_services(folder: Folder, short: str, long: dict[str, Any]) -> None:
    """Each short form has its long form."""
    assert folder.service(short, resolve_paths=False) == long


@pytest.mark.parametrize(("attribute", "message"), [
    ("init: maybe", "services.web.init: invalid boolean: maybe"), ("scale: x", "services.web.scale: invalid integer: x"),
    ("mem_limit: 1zz", "services.web.mem_limit: invalid suffix: 'zz'"),
    ("stop_grace_period: '5'", "services.web.stop_grace_period: time: missing unit"),
    ("extra_hosts: [x]", "services.web.extra_hosts: invalid additional host"),
    ("deploy: {resources: {reservations: {devices: [{capabilities: [gpu], count: x}]}}}", "the only value allowed is 'all' or a number"),
])
def test_bad_values(folder: Folder, attribute: str, message: str) -> None:
    """A value that cannot be converted is refused with its path."""
    assert message in folder.refusal(lambda: folder.service(attribute))


def test_old_external_name(folder: Folder) -> None:
    """`external: {name: X}` is the old way of saying two things."""
    tree = folder.tree("services: {}\nvolumes: {v: {external: {name: x}}, w: {external: false}}", all_resources=True)
    assert tree["volumes"] == {"v": {"name": "x", "external": True}, "w": {"name": "p_w"}}
