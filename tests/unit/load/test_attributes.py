"""From the file to the model: attributes with several spellings."""

from __future__ import annotations

import json

import pytest

from composer.model.develop import WatchRule
from composer.model.hook import Hook
from composer.model.service import DeviceMapping, Link, Logging, Ulimit
from tests.compose_folder import Folder


def test_every_spelling(folder: Folder) -> None:
    """Sizes are bytes, limits have both ends, hosts are HOST=ADDRESS, devices have rights."""
    service = folder.load("""
        services:
          web:
            image: i
            extra_hosts: {one: 10.0.0.1, six: "[::1]", out: host-gateway}
            dns: 10.0.0.53
            group_add: [adm, 7]
            ulimits: {nproc: 5, nofile: {soft: 1, hard: 2}}
            shm_size: 1m
            memswap_limit: -1
            mem_swappiness: 7
            devices: [/dev/a, "/dev/b:/dev/c:r"]
            links: [db, "db:base"]
            logging: {options: {max-size: 2k, max-file: 3}}
            security_opt: ["no-new-privileges:true", "label:disable"]
            deploy: {resources: {reservations: {memory: 1k, cpus: "0.5"}}}
            pid: host
            tty: true
          db: {image: i, logging: {driver: local}}
    """).project.services["web"]
    assert service.extra_hosts == ("one=10.0.0.1", "six=::1", "out=host-gateway")
    assert (service.dns, service.group_add) == (("10.0.0.53",), ("adm", "7"))
    assert service.ulimits == {"nproc": Ulimit(soft=5, hard=5), "nofile": Ulimit(soft=1, hard=2)}
    assert (service.shm_size, service.memswap_limit, service.mem_swappiness, service.memory_reservation) == (1 << 20, -1, 7, 1024)
    assert service.devices == (DeviceMapping(source="/dev/a", target="/dev/a"),
                               DeviceMapping(source="/dev/b", target="/dev/c", permissions="r"))
    assert service.links == (Link(service="db", alias="db"), Link(service="db", alias="base"))
    assert service.logging == Logging(max_size=2048, max_file=3)
    assert service.security_opt == ("no-new-privileges=true", "label=disable")
    assert service.tty and service.pid == "host" and set(service.depends_on) == {"db"}


def test_a_profile_is_read_from_its_file(folder: Folder) -> None:
    """Its content becomes part of the service, so that a change makes another container; what is no profile is refused."""
    folder.write({"f.json": '{"defaultAction": "X"}', "g.json": "[]"})
    text = "services: {{a: {{image: i, security_opt: [seccomp={}]}}}}"
    (option,) = folder.load(text.format("./f.json")).project.services["a"].security_opt
    assert json.loads(option.removeprefix("seccomp=")) == {"defaultAction": "X"}
    assert "is no seccomp profile" in folder.refusal(lambda: folder.load(text.format("g.json")))
    assert "h.json: No such file" in folder.refusal(lambda: folder.load(text.format("h.json")))


@pytest.mark.parametrize(("attributes", "message"), [
    ("network_mode: 'service:b', ports: ['80']", "services.a.ports: not possible with network_mode: service:b"),
    ("network_mode: 'service:b', extra_hosts: ['x=1.1.1.1']", "services.a.extra_hosts: not possible"),
    ("security_opt: ['privileged']", "services.a.security_opt[0]: 'privileged' is not one of no-new-privileges"),
    ("devices: ['vendor.com/gpu=all']", "services.a.devices[0].source"),
    ("logging: {options: {tags: x}}", "services.a.logging: options: there is no option tags"),
    ("secrets: [s]}}\nsecrets: {s: {external: true}}\nx-rest: {a: {a: 1", "secrets.s.external: there is no store of such things"),
    ("volumes: [{type: npipe, source: x, target: /x}]", "services.a.volumes[0].type: 'npipe' is a pipe of Windows"),
    ("extra_hosts: ['x=name']", "services.a.extra_hosts[0]: 'name' is no IP address"),
    ("ipc: none", "services.a.ipc: 'none' is not one of"),
    ("ulimits: {files: 3}", "services.a.ulimits: files is not"),
])
def test_what_is_refused(folder: Folder, attributes: str, message: str) -> None:
    """By name, before anything is touched."""
    assert message in folder.refusal(lambda: folder.load(f"services: {{a: {{image: i, {attributes}}}, b: {{image: i}}}}"))


def test_watch_rules(folder: Folder) -> None:
    """Short and long forms, absolute paths, a rule with several paths is several, the command of sync+exec."""
    service = folder.load("""
        services:
          web:
            build: .
            develop:
              x-note: nobody's
              watch:
                - {path: ./a, action: sync, target: /app, ignore: node_modules/, include: ["*.py"], initial_sync: true}
                - {path: [b, /c], action: rebuild}
                - path: d
                  action: sync+exec
                  target: /d
                  exec: {command: nginx -s reload, user: root, environment: [A=1, GONE]}
    """).project.services["web"]
    sync, b, c, with_command = service.develop.watch
    assert sync == WatchRule(path=str(folder.path / "a"), action="sync", target="/app", ignore=("node_modules/",), include=("*.py",),
                             initial_sync=True)
    assert (b.path, c.path, c.action) == (str(folder.path / "b"), "/c", "rebuild")
    assert with_command.exec == Hook(command=("nginx", "-s", "reload"), user="root", environment={"A": "1"})
