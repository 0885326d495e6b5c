"""Phase: relative paths become absolute, or at least relative to another folder."""

from __future__ import annotations

import os.path
import re
from collections.abc import Callable, Mapping

from composer.errors import LoadError
from composer.load.node import Node, Path, Rule, Table, rewrite

_REMOTE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://|git@|github\.com/|docker-image:|oci-layout:|service:|target:")
#: PATH_MAX: nothing that is longer exists, and it would take long to find that out.
LONGEST = 4096
_WINDOWS = re.compile(r"[a-zA-Z]:[\\/]|\\\\")


def is_remote(context: str) -> bool:
    """Whether a build context is no folder of this machine."""
    return bool(_REMOTE.match(context))


def resolve(root: Node, folder: str, home: str | None, problems: list[LoadError]) -> Node:
    """Put `folder` in front of every relative path; `home` stands for a leading `~`, which stays when it is None."""
    def join(path: str) -> str:
        if len(path) > LONGEST:
            return path
        if path.startswith("~"):
            return path if home is None else os.path.normpath(os.path.join(home, path[1:].lstrip("/")))
        if _WINDOWS.match(path):
            return path
        return os.path.normpath(os.path.join(folder, path)) if not os.path.isabs(path) else path

    return rewrite(root, _table(join), problems)


def _table(join: Callable[[str], str]) -> Table[Rule]:
    def absolute(node: Node, _path: Path) -> Node:
        return node.with_value(join(node.value)) if isinstance(node.value, str) else node

    def context(node: Node, path: Path) -> Node:
        return node if isinstance(node.value, str) and (not node.value or is_remote(node.value)) else absolute(node, path)

    def each(node: Node, path: Path) -> Node:
        return node.with_value([absolute(entry, path) for entry in node.entries])

    def bind(node: Node, path: Path) -> Node:
        source = node.find("source")
        return node.with_fields(source=absolute(source, path)) if source is not None and node.get("type") == "bind" else node

    def bind_volume(node: Node, path: Path) -> Node:
        """A volume of the local driver that is a bind in disguise."""
        device = node.find("driver_opts", "device")
        if device is None or node.get("driver") != "local" or node.get("driver_opts", "o") != "bind":
            return node
        return node.with_fields(driver_opts=node.fields["driver_opts"].with_fields(device=absolute(device, path)))

    def ssh(node: Node, path: Path) -> Node:
        if isinstance(path[-1], str):
            return absolute(node, path)
        key, assigned, file = str(node.value).partition("=")
        return node.with_value(f"{key}={join(file)}") if assigned else node

    rules: Mapping[str, Rule] = {
        "configs.*.file": absolute,
        "include.*.env_file": each,
        "include.*.path": each,
        "include.*.project_directory": absolute,
        "secrets.*.file": absolute,
        "services.*.build.additional_contexts.*": context,
        "services.*.build.context": context,
        "services.*.build.ssh.*": ssh,
        "services.*.develop.watch.*.path": absolute,
        "services.*.env_file.*.path": absolute,
        "services.*.extends.file": absolute,
        "services.*.label_file": each,
        "services.*.volumes.*": bind,
        "volumes.*": bind_volume,
    }
    return Table.of(rules)
