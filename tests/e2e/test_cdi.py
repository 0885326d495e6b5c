"""Devices by name: a spec of this machine's, and the container that has its device, variable, mount and group."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from composer.runtime.cdi import FOLDERS
from tests.command_line import Composer


@pytest.fixture
def vendor(tmp_path: Path) -> Iterator[str]:
    """The name of a vendor with a spec on this machine: a gpu that is the host's /dev/full."""
    name = f"t{secrets.token_hex(4)}"
    (tmp_path / "library").write_text("of the vendor\n")
    edits = {"env": ["ACME=yes"], "additionalGids": [4711], "mounts": [
        {"hostPath": str(tmp_path / "library"), "containerPath": "/opt/library", "options": ["ro"]}]}
    nodes = {"deviceNodes": [{"path": "/dev/acme0", "hostPath": "/dev/full"}]}
    spec = {"cdiVersion": "0.7.0", "kind": f"{name}.com/gpu", "containerEdits": edits, "devices": [{"name": "0", "containerEdits": nodes}]}
    folder = FOLDERS[-1]
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.json"
    file.write_text(json.dumps(spec))
    yield name
    file.unlink()
    if made:
        folder.rmdir()


@pytest.mark.parametrize("attribute", [
    "devices: [VENDOR.com/gpu=0]", "gpus: [{driver: VENDOR}]",
    "deploy: {resources: {reservations: {devices: [{driver: VENDOR, capabilities: [gpu], device_ids: ['0']}]}}}"])
def test_a_device_of_a_spec(composer: Composer, vendor: str, attribute: str) -> None:
    """By its name, as a gpu, as a reservation; it can be used."""
    composer.write(f"services: {{web: {{image: busybox, command: [sleep, infinity], {attribute.replace('VENDOR', vendor)}}}}}")
    composer("up", "-d")
    assert composer.inside("web", "cat", "/opt/library") == "of the vendor\n"
    assert "4711" in composer.inside("web", "id", "-G").split()
    assert composer.inside("web", "sh", "-c", "echo $ACME").strip() == "yes"
    assert "4711" in composer.inside("web", "grep", "Groups", "/proc/1/status")
    written = composer("exec", "-T", "web", "sh", "-c", "echo x > /dev/acme0", code=1)
    assert "No space left" in written.said
    assert "Read-only" in composer("exec", "-T", "web", "sh", "-c", "echo x > /opt/library", code=1).said


def test_a_gpu_without_a_spec(composer: Composer) -> None:
    """Refused before anything is made, with how to get a spec."""
    composer.write("services: {web: {image: busybox, gpus: [{driver: nosuch}]}}")
    refused = composer("up", "-d", code=1).err
    assert "services.web.gpus: no CDI spec in" in refused and "nvidia-ctk cdi generate" in refused
    assert not composer.ps()
