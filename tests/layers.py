"""An image of many tiny layers, put into a store without a build."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
from pathlib import Path

from composer.store import Places

KIND = "application/vnd.oci.image."


def import_layers(places: Places, name: str, count: int, *, base: str, folder: Path) -> None:
    """`base` with `count` more layers on top, each with a file /pages/NUMBER of its own and a newer /last."""
    layout, blobs = folder / "layout", folder / "layout/blobs/sha256"
    _skopeo("copy", "--quiet", _stored(places, base), f"oci:{layout}")
    manifest = json.loads(_blob(blobs, json.loads((layout / "index.json").read_text())["manifests"][0]))
    config = json.loads(_blob(blobs, manifest["config"]))
    for number in range(count):
        layer = _store(blobs, f"{KIND}layer.v1.tar", _tar({f"pages/{number}": "x", "last": str(number)}))
        manifest["layers"].append(layer)
        config["rootfs"]["diff_ids"].append(layer["digest"])
    config.pop("history", None)
    manifest["config"] = _store(blobs, f"{KIND}config.v1+json", json.dumps(config).encode())
    index = {"schemaVersion": 2, "manifests": [_store(blobs, f"{KIND}manifest.v1+json", json.dumps(manifest).encode())]}
    (layout / "index.json").write_text(json.dumps(index))
    _skopeo("copy", "--quiet", f"oci:{layout}", _stored(places, name))


def _stored(places: Places, name: str) -> str:
    return f"containers-storage:[overlay@{places.images}+{places.image_runroot}]{name}"


def _skopeo(*arguments: str) -> None:
    subprocess.run(["unshare", "--mount", "--propagation=slave", "skopeo", *arguments], check=True)


def _blob(blobs: Path, descriptor: dict[str, str]) -> bytes:
    return (blobs / descriptor["digest"].partition(":")[2]).read_bytes()


def _store(blobs: Path, kind: str, data: bytes) -> dict[str, object]:
    digest = hashlib.sha256(data).hexdigest()
    (blobs / digest).write_bytes(data)
    return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(data)}


def _tar(files: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, text in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()
