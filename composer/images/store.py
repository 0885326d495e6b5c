"""containers/storage read directly: no lock, no program.

    overlay-images/images.json           names, top layer, names of the blobs ("big data")
    overlay-images/ID/=BASE64(KEY)       a blob; keys of plain letters, digits, dot, dash and underscore are file names as they are
    overlay-layers/layers.json           parent of each layer, flags
    overlay/LAYER/diff/                  the layer's files

The JSON is replaced by rename, so that a reader sees the old or the new one; what was read is kept for as long as both files
are the same ones (inode, time, size). A shared lock would block the writers.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from composer.errors import ImageError
from composer.host import Image
from composer.images import reference as names
from composer.images.config import image_config, timestamp

_Stamp = tuple[int, int, int]
_PLAIN_KEY = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the two files said at one moment. `images` fills as images are asked for: an id's content never changes."""

    stamp: tuple[_Stamp | None, _Stamp | None]
    by_id: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    by_name: Mapping[str, str] = field(default_factory=dict)
    layers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    images: dict[str, Image | None] = field(default_factory=dict)


class Store:
    """The read side of a store; may be used from any thread."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._images_file = root / "overlay-images" / "images.json"
        self._layers_file = root / "overlay-layers" / "layers.json"
        self._snapshot = Snapshot((None, None))

    def find(self, text: str) -> Image | None:
        """By name, name and digest, whole id, or the beginning of exactly one id. Incomplete images are not there."""
        snapshot = self._read()
        id_ = _identify(snapshot, text)
        if id_ is None:
            return None
        if id_ not in snapshot.images:
            snapshot.images[id_] = self._image(snapshot, id_)
        return snapshot.images[id_]

    def digest(self, text: str) -> str:
        """Of the manifest of an image, "" when there is no such image."""
        snapshot = self._read()
        id_ = _identify(snapshot, text)
        return str(snapshot.by_id[id_].get("digest") or "") if id_ is not None else ""

    def _read(self) -> Snapshot:
        stamp = (_stamp(self._images_file), _stamp(self._layers_file))
        if stamp != self._snapshot.stamp:
            self._snapshot = self._load(stamp)
        return self._snapshot

    def _load(self, stamp: tuple[_Stamp | None, _Stamp | None]) -> Snapshot:
        records = {record["id"]: record for record in _read_list(self._images_file)}
        by_name = {name: id_ for id_, record in records.items() for name in record.get("names") or ()}
        layers = {layer["id"]: layer for layer in _read_list(self._layers_file)}
        return Snapshot(stamp, records, by_name, layers)

    def _image(self, snapshot: Snapshot, id_: str) -> Image | None:
        record = snapshot.by_id[id_]
        chain = _chain(snapshot, record.get("layer", ""))
        if chain is None:
            return None
        blob = self._config_blob(record)
        return Image(
            id=id_,
            names=tuple(record.get("names") or ()),
            layers=tuple(self._root / "overlay" / layer["id"] / "diff" for layer in chain),
            config=image_config(blob),
            size=sum(layer.get("diff-size") or 0 for layer in chain),
            created=timestamp(blob.get("created") or record.get("created") or ""),
            platform="/".join(blob[key] for key in ("os", "architecture", "variant") if blob.get(key)),
        )

    def _config_blob(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """The manifest names the blob; Docker's and OCI's manifests agree on where."""
        manifest = self._big_data(record, "manifest")
        if not isinstance(manifest.get("config"), dict):
            raise ImageError(f"image {record['id'][:12]}: its manifest names no configuration", hint="pull or build it again")
        return self._big_data(record, manifest["config"]["digest"])

    def _big_data(self, record: Mapping[str, Any], key: str) -> dict[str, Any]:
        path = self._root / "overlay-images" / record["id"] / _big_data_name(key)
        try:
            return json.loads(path.read_bytes())  # type: ignore[no-any-return]
        except FileNotFoundError as missing:
            raise ImageError(f"image {record['id'][:12]}: the store lacks {path}", hint="pull or build it again") from missing


def _identify(snapshot: Snapshot, text: str) -> str | None:
    whole = names.full_id(text)
    if whole:
        return whole if whole in snapshot.by_id else None
    reference = names.parse(text)
    by_name = _by_digest(snapshot, reference) if reference.digest else _by_name(snapshot, reference)
    if by_name or not names.is_short_id(text):
        return by_name
    matching = [id_ for id_ in snapshot.by_id if id_.startswith(text)]
    return matching[0] if len(matching) == 1 else None


def _by_name(snapshot: Snapshot, reference: names.Reference) -> str | None:
    """buildah itself names local images `localhost/NAME`; an image so named answers to the short name too."""
    found = snapshot.by_name.get(str(reference))
    if found is None and reference.repository.startswith("docker.io/library/"):
        found = snapshot.by_name.get(f"localhost/{reference.path.removeprefix('library/')}:{reference.tag}")
    return found


def _by_digest(snapshot: Snapshot, reference: names.Reference) -> str | None:
    """The digest is the manifest's, and the image has to have been known by a name of this repository."""
    for id_, record in snapshot.by_id.items():
        known = {record.get("digest"), *(key.removeprefix("manifest-") for key in record.get("big-data-names") or ())}
        repositories = (names.parse(name).repository for name in (*(record.get("names") or ()), *(record.get("names-history") or ())))
        if reference.digest in known and reference.repository in repositories:
            return id_
    return None


def _chain(snapshot: Snapshot, top: str) -> list[Mapping[str, Any]] | None:
    """The layers, the topmost first; None when one is missing or was never unpacked to its end."""
    chain: list[Mapping[str, Any]] = []
    while top:
        layer = snapshot.layers.get(top)
        if layer is None or (layer.get("flags") or {}).get("incomplete"):
            return None
        chain.append(layer)
        top = layer.get("parent") or ""
    return chain


def _big_data_name(key: str) -> str:
    return key if _PLAIN_KEY.fullmatch(key) else "=" + base64.b64encode(key.encode()).decode()


def _stamp(path: Path) -> _Stamp | None:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return (status.st_ino, status.st_mtime_ns, status.st_size)


def _read_list(path: Path) -> list[dict[str, Any]]:
    try:
        return json.loads(path.read_bytes()) or []
    except FileNotFoundError:
        return []
    except ValueError as broken:
        raise ImageError(f"{path}: not readable: {broken}") from broken
