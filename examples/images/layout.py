"""An image of one layer, written as an OCI image layout (OCI image specification, Image Layout)."""

from __future__ import annotations

import hashlib
import json
import platform
from datetime import UTC, datetime
from pathlib import Path

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm"}
KIND = "application/vnd.oci.image."
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def write_layout(folder: Path, layer: Path, command: list[str]) -> None:
    """`layer`, an uncompressed tar, is moved into the new `folder`."""
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)
    with layer.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    size = layer.stat().st_size
    layer.rename(blobs / digest)
    config = _store(blobs, "config.v1+json", _config(digest, command))
    layers = [{"mediaType": f"{KIND}layer.v1.tar", "digest": f"sha256:{digest}", "size": size}]
    manifest = _store(blobs, "manifest.v1+json", {"schemaVersion": 2, "config": config, "layers": layers})
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [manifest]}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


def _config(digest: str, command: list[str]) -> dict[str, object]:
    now, machine = datetime.now(UTC).isoformat(), platform.machine()
    return {
        "created": now,
        "architecture": ARCHITECTURES.get(machine, machine),
        "os": "linux",
        "config": {"Env": [PATH], "Cmd": command},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        "history": [{"created": now, "created_by": "examples/images"}],
    }


def _store(blobs: Path, kind: str, value: dict[str, object]) -> dict[str, object]:
    """Write a JSON blob and return its descriptor."""
    data = json.dumps(value).encode()
    digest = hashlib.sha256(data).hexdigest()
    (blobs / digest).write_bytes(data)
    return {"mediaType": KIND + kind, "digest": f"sha256:{digest}", "size": len(data)}
