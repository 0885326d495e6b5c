"""What compose files still say although the specification has something better: it counts, and is told."""

from __future__ import annotations

from collections.abc import Iterator

from composer.load.node import Node

_RESOURCES = ("networks", "volumes", "configs", "secrets")


def told(layer: Node) -> Iterator[str]:
    """A sentence for each."""
    if "version" in layer.fields:
        yield f"{layer.file}: the attribute `version` is obsolete, it will be ignored, please remove it to avoid potential confusion"
    for kind in _RESOURCES:
        resources = layer.find(kind)
        for key, resource in (resources.fields if resources is not None else {}).items():
            if resource.find("external", "name") is not None:
                yield f"{kind}.{key}: external.name is deprecated. Please set name and external: true"
