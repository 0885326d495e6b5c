"""Short syntax of `volumes`: [SOURCE:]TARGET[:OPTIONS]."""

from __future__ import annotations

import re
from posixpath import normpath
from typing import Any

from composer.load.node import Node

_BIND_OPTIONS = {**dict.fromkeys(("rprivate", "private", "rshared", "shared", "rslave", "slave"), "propagation"),
                 **dict.fromkeys(("z", "Z"), "selinux")}


def parse(text: str) -> dict[str, Any]:
    """The long entry; a source that looks like a path is a bind. Unknown options are ignored, as docker compose does.
    Raises ValueError that says what is wrong."""
    if not text:
        raise ValueError("invalid empty volume spec")
    if len(text) < 3:
        return {"type": "volume", "target": text}
    sections = _sections(text)
    if "" in sections:
        raise ValueError(f"invalid spec: {text}: empty section between colons")
    if len(sections) > 3:
        raise ValueError(f"invalid spec: {text}: too many colons")
    source, target, *rest = sections if len(sections) > 1 else ["", *sections]
    options = rest[0].split(",") if rest else []
    kind = "bind" if is_path(source) else "volume"
    mount: dict[str, Any] = {"type": kind, "source": source, "target": target, "read_only": _read_only(options), **_details(options, kind)}
    return {key: value for key, value in mount.items() if value or key == "volume"}


def _read_only(options: list[str]) -> bool:
    return [option for option in ("rw", *options) if option in ("ro", "rw")][-1] == "ro"


def _details(options: list[str], kind: str) -> dict[str, Any]:
    bind: dict[str, Any] = {_BIND_OPTIONS[option]: option for option in options if option in _BIND_OPTIONS}
    volume = {"nocopy": True} if "nocopy" in options else {}
    if kind == "bind":
        return {"bind": {**bind, "create_host_path": True}, **({"volume": volume} if volume else {})}
    return {"bind": bind, "volume": volume}


def _sections(text: str) -> list[str]:
    """Split at colons, but not in ${VARIABLES} and not behind the letter of a Windows drive."""
    sections, depth, start = [], 0, 0
    for mark in re.finditer(r"\$\{|\}|:", text):
        if mark[0] == "${":
            depth += 1
        elif mark[0] == "}":
            depth = max(0, depth - 1)
        elif not depth and not (mark.start() == start + 1 and text[start].isalpha()):
            sections.append(text[start:mark.start()])
            start = mark.end()
    return [*sections, text[start:]]


def is_path(source: str) -> bool:
    """Whether a source is a path of the host, also of a Windows one, rather than the name of a volume."""
    return source.startswith((".", "/", "~", "\\\\")) or (source[:1].isalpha() and source[1:2] == ":")


def cleaned(mount: Node) -> Node:
    """The mount with a target that has no `..`, no double or trailing slashes; paths of Windows are left alone."""
    target = mount.get("target") if mount.fields else None
    if not isinstance(target, str) or "\\" in target or len(target) > 4096:
        return mount
    return mount.with_fields(target=mount.fields["target"].with_value(normpath(target).replace("//", "/")))
