"""Specs of the Container Device Interface: how devices are found, chosen, and merged into config.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from composer.errors import ContainerError
from composer.model.deploy import Deploy, DeviceRequest, Reservations, Resources
from composer.model.service import DeviceMapping, Service
from composer.runtime import cdi

GPUS = """
cdiVersion: 0.6.0
kind: acme.com/gpu
containerEdits:
  env: [ACME=on]
devices:
  - name: "0"
    containerEdits: {deviceNodes: [{path: /dev/acme0, hostPath: /dev/null}]}
  - name: "1"
    containerEdits: {deviceNodes: [{path: /dev/acme1, type: c, major: 7, minor: 9, fileMode: 438, permissions: rw, uid: 5}]}
  - {name: all, containerEdits: {env: [ACME=all, WHICH=all]}}
"""
NET: dict[str, Any] = {"cdiVersion": "0.5.0", "kind": "acme.com/net", "devices": [{"name": "a", "containerEdits": {
    "mounts": [{"hostPath": "/lib/acme", "containerPath": "/opt/acme", "options": ["ro"]}],
    "hooks": [{"hookName": "createContainer", "path": "/bin/tool", "args": ["tool", "x"], "timeout": 3}],
    "additionalGids": [44]}}]}


@pytest.fixture
def registry(tmp_path: Path) -> cdi.Registry:
    (tmp_path / "gpu.yaml").write_text(GPUS)
    (tmp_path / "net.json").write_text(json.dumps(NET))
    (tmp_path / "notes.txt").write_text("nobody's")
    return cdi.read([tmp_path, tmp_path / "missing"])


def config() -> dict[str, Any]:
    return {"process": {"env": ["PATH=/bin", "ACME=off"], "user": {"additionalGids": [1]}}, "mounts": [],
            "linux": {"resources": {"devices": []}}}


def asks(*names: str, **attributes: Any) -> Service:
    devices = tuple(DeviceMapping(source=name, target=name) for name in names)
    return Service(name="web", image="x", devices=devices, **attributes)


def test_a_device_by_name(registry: cdi.Registry) -> None:
    """Edits of the spec once, then the device's; what a node does not say is the host's; a variable replaces the old one."""
    made = config()
    service = asks("acme.com/gpu=0", "acme.com/gpu=1", "/dev/null")
    assert cdi.names(service) and not cdi.names(asks("/dev/null"))
    cdi.apply(made, cdi.edits(cdi.wanted(service, registry), registry))
    assert made["process"]["env"] == ["PATH=/bin", "ACME=on"]
    null, other = made["linux"]["devices"]
    assert (null["path"], null["type"], null["major"], null["minor"]) == ("/dev/acme0", "c", 1, 3)
    assert other == {"path": "/dev/acme1", "type": "c", "major": 7, "minor": 9, "fileMode": 438, "uid": 5}
    assert made["linux"]["resources"]["devices"] == [
        {"allow": True, "type": "c", "major": 1, "minor": 3, "access": "rwm"},
        {"allow": True, "type": "c", "major": 7, "minor": 9, "access": "rw"}]


def test_mounts_hooks_and_groups(registry: cdi.Registry) -> None:
    """A mount is a bind unless it says otherwise."""
    made = config()
    cdi.apply(made, cdi.edits(["acme.com/net=a"], registry))
    assert made["mounts"] == [{"destination": "/opt/acme", "source": "/lib/acme", "type": "bind", "options": ["rbind", "ro"]}]
    assert made["hooks"] == {"createContainer": [{"path": "/bin/tool", "args": ["tool", "x"], "timeout": 3}]}
    assert made["process"]["user"]["additionalGids"] == [1, 44]


GPU = ("gpu",)


@pytest.mark.parametrize(("request_", "names"), [
    (DeviceRequest(capabilities=GPU), ["all"]),
    (DeviceRequest(capabilities=GPU, count=1), ["0"]),
    (DeviceRequest(capabilities=("gpu", "utility"), driver="acme", count=2), ["0", "1"]),
    (DeviceRequest(capabilities=GPU, device_ids=("1",)), ["1"]),
    (DeviceRequest(driver="cdi", device_ids=("acme.com/gpu=1",)), ["1"]),
])
def test_a_device_by_what_it_can_do(registry: cdi.Registry, request_: DeviceRequest, names: list[str]) -> None:
    """All, so many, or certain ones; in `gpus` and in reservations alike."""
    reserved = Deploy(resources=Resources(reservations=Reservations(devices=(request_,))))
    for service in (asks(gpus=(request_,)), asks(deploy=reserved)):
        assert cdi.wanted(service, registry) == tuple(f"acme.com/gpu={name}" for name in names)


@pytest.mark.parametrize(("service", "message", "hint"), [
    (asks("acme.com/gpu=7"), "services.web.devices: no CDI spec describes acme.com/gpu=7", "there are 0, 1, all"),
    (asks("other.com/x=1"), "no CDI spec describes other.com/x=1", "/etc/cdi"),
    (asks(gpus=(DeviceRequest(capabilities=GPU, driver="nvidia"),)), "services.web.gpus: no CDI spec in", "nvidia-ctk cdi generate"),
    (asks(gpus=(DeviceRequest(capabilities=GPU, count=3),)), "3 devices of acme.com/gpu are asked for, there are 2", ""),
    (asks(gpus=(DeviceRequest(capabilities=GPU, device_ids=("9",)),)), "there is no acme.com/gpu=9", "there are 0, 1, all"),
])
def test_what_is_not_there(registry: cdi.Registry, service: Service, message: str, hint: str) -> None:
    """The attribute, what is missing, and how to get it."""
    with pytest.raises(ContainerError) as refused:
        cdi.wanted(service, registry)
    assert message in refused.value.message and hint in refused.value.hint


def test_folders_and_broken_specs(tmp_path: Path) -> None:
    """A later folder hides an earlier one's device; twice in one folder, or no spec at all, is an error that names the file."""
    first, second = tmp_path / "etc", tmp_path / "run"
    for folder, value in ((first, "old"), (second, "new")):
        folder.mkdir()
        spec = {"kind": "a.com/b", "devices": [{"name": "x", "containerEdits": {"env": [f"V={value}"]}}]}
        (folder / "a.json").write_text(json.dumps(spec))
    assert cdi.read([first, second]).devices["a.com/b=x"].edits == {"env": ["V=new"]}
    (second / "b.json").write_text((second / "a.json").read_text())
    with pytest.raises(ContainerError, match=r"b\.json: device a\.com/b=x is in .*a\.json as well"):
        cdi.read([second])
    (second / "b.json").unlink()
    for broken in ("[]", "a: [", "{kind: a.com/b}"):
        (second / "c.yaml").write_text(broken)
        with pytest.raises(ContainerError, match=r"c\.yaml is no CDI spec"):
            cdi.read([second])
