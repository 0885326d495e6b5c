"""From the file to the model: attributes with several spellings."""

from __future__ import annotations

import json

import pytest

from composer.model.build import BuildSecret
from composer.model.deploy import DeviceRequest
from composer.model.develop import WatchRule
from composer.model.hook import Hook
from composer.model.limits import Ulimit
from composer.model.service import DeviceMapping, Link, Logging
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
    ("devices: ['vendor.com/gpu']", "services.a.devices[0].source"),
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


def test_build(folder: Folder) -> None:
    """Short and long forms of all that a build takes; what it does not heed is told."""
    folder.environ["SSH_AUTH_SOCK"] = "/run/agent"
    loaded = folder.load("""
        services:
          web:
            platform: linux
            build:
              context: .
              additional_contexts: [docs=./docs, "base=docker-image://alpine", "lay=oci-layout://lay:v1", "other=service:base"]
              extra_hosts: ["a:10.0.0.1"]
              network: none
              no_cache_filter: tests
              platforms: [linux, linux/s390y]
              privileged: true
              secrets: [plain, {source: env, target: token, mode: 0400}]
              shm_size: 1m
              ssh: [default, key=./id]
              ulimits: {nofile: 5}
              entitlements: [network.host]
              x-bake: {}
          base: {build: {context: https://example.com/r.git#main}}
        secrets: {plain: {file: s}, env: {environment: HOME}}
    """)
    build = loaded.project.services["web"].build
    assert build is not None
    assert build.additional_contexts == {"docs": f"{folder.path}/docs", "base": "docker-image://alpine",
                                         "lay": f"oci-layout://{folder.path}/lay:v1", "other": "service:base"}
    assert (build.services, build.extra_hosts, build.network) == ({"other": "base"}, ("a=10.0.0.1",), "none")
    assert (build.no_cache_filter, build.shm_size, build.privileged) == (("tests",), 1 << 20, True)
    assert build.ssh == ("default=/run/agent", f"key={folder.path}/id")
    assert build.secrets == (BuildSecret(id="plain", source="plain", file=f"{folder.path}/s"), BuildSecret(id="token", source="env"))
    assert build.ulimits == {"nofile": Ulimit(soft=5, hard=5)}
    assert [warning.partition(" has")[0].removeprefix("services.web.build.") for warning in loaded.warnings] == [
        "platforms[1]", "secrets[1].mode", "entitlements"]
    (base,) = (one.build for name, one in loaded.project.services.items() if name == "base")
    assert base is not None and base.context == "https://example.com/r.git#main"


def test_a_context_that_buildah_does_not_take(folder: Folder) -> None:
    """Refused with what it takes; a git URL is one for the main context only."""
    message = folder.refusal(lambda: folder.load("services: {a: {build: {context: ., additional_contexts: {x: 'git://h/r.git'}}}}"))
    assert "services.a.build.additional_contexts.x: 'git://h/r.git': buildah takes a folder" in message


def test_devices_by_name_and_by_what_they_can_do(folder: Folder) -> None:
    """CDI names stand among the devices; `gpus` implies the capability gpu, without a number it is all."""
    service = folder.load("""
        services:
          a: {image: i, devices: ["vendor.com/net=eth1"], gpus: all}
          b:
            image: i
            gpus: [{driver: nvidia, count: 2, options: [a=b]}]
            deploy: {resources: {reservations: {devices: [{capabilities: [tpu], device_ids: ["0"]}]}}}
    """).project.services
    assert service["a"].devices[0].source == "vendor.com/net=eth1"
    assert service["a"].gpus == (DeviceRequest(capabilities=("gpu",)),)
    assert service["b"].device_requests == (
        DeviceRequest(driver="nvidia", count=2, capabilities=("gpu",), options={"a": "b"}),
        DeviceRequest(capabilities=("tpu",), device_ids=("0",)))
