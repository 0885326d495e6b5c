"""What counts, but is told."""

from __future__ import annotations

from tests.compose_folder import Folder


def test_what_is_told(folder: Folder) -> None:
    """Each old spelling once, with what to write instead."""
    told = folder.resolve("""
        version: "3"
        services: {a: {image: x, init: yes, privileged: "${P:-Off}", environment: {A: yes}}}
        networks: {default: {external: {name: n}}}
        """).warnings
    assert told == (
        '"yes" for boolean is not supported by YAML 1.2, please use `true`',
        '"Off" for boolean is not supported by YAML 1.2, please use `false`',
        "compose.yaml: the attribute `version` is obsolete, it will be ignored, please remove it to avoid potential confusion",
        "networks.default: external.name is deprecated. Please set name and external: true",
    )
