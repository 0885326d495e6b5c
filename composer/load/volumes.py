"""Short syntax of `volumes`: [SOURCE:]TARGET[:OPTIONS]."""

from __future__ import annotations

from posixpath import normpath
from typing import Any

_PROPAGATION = ("rprivate", "private", "rshared", "shared", "rslave", "slave")


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
    source, target, *options = sections if len(sections) > 1 else ["", *sections]
    mount: dict[str, Any] = {"type": "bind" if is_path(source) else "volume", **({"source": source} if source else {}),
                             "target": clean(target)}
    bind: dict[str, Any] = {}
    volume: dict[str, Any] = {}
    for option in options[0].split(",") if options else ():
        if option in ("ro", "rw"):
            mount["read_only"] = option == "ro"
        elif option == "nocopy":
            volume["nocopy"] = True
        elif option in _PROPAGATION:
            bind["propagation"] = option
        elif option in ("z", "Z"):
            bind["selinux"] = option
    if not mount.get("read_only"):
        mount.pop("read_only", None)
    if mount["type"] == "bind":
        return {**mount, "bind": {**bind, "create_host_path": True}, **({"volume": volume} if volume else {})}
    return {**mount, **({"bind": bind} if bind else {}), "volume": volume}


def _sections(text: str) -> list[str]:
    """Split at colons, but not in ${VARIABLES} and not behind the letter of a Windows drive."""
    sections, depth = [""], 0
    for index, character in enumerate(text):
        if text.startswith("${", index):
            depth += 1
        elif character == "}" and depth:
            depth -= 1
        drive = len(sections[-1]) == 1 and sections[-1].isalpha()
        if character == ":" and not depth and not drive:
            sections.append("")
        else:
            sections[-1] += character
    return sections


def is_path(source: str) -> bool:
    return source[:1] in (".", "/", "~") and bool(source) or source.startswith("\\\\") or source[:1].isalpha() and source[1:2] == ":"


def clean(target: str) -> str:
    """The target without `..`, double and trailing slashes; paths of Windows are left alone."""
    return target if not target or "\\" in target else "/" + normpath(target).lstrip("/") if target.startswith("/") else normpath(target)
