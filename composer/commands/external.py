"""Networks and volumes with `external: true` have to be there: looked at before anything is touched, with the place in the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from composer.errors import LoadError
from composer.store import Places

if TYPE_CHECKING:
    from composer.load.phases import Loaded


def check_external(places: Places, loaded: Loaded) -> None:
    """Raises LoadErrors that name the commands which make them."""
    project = loaded.project
    if any(one.external for one in project.networks.values()) or any(one.external for one in project.volumes.values()):
        from composer.load.node import raise_all

        raise_all([*_missing_networks(places, loaded), *_missing_volumes(places, loaded)])


def _missing_networks(places: Places, loaded: Loaded) -> Iterator[LoadError]:
    from composer.engine import sharing

    for key, network in loaded.project.networks.items():
        if network.external and sharing.find(places, network.name, loaded.project.hash) is None:
            yield _missing(loaded, "network", key, network.name)


def _missing_volumes(places: Places, loaded: Loaded) -> Iterator[LoadError]:
    from composer.storage import volumes

    for key, volume in loaded.project.volumes.items():
        if volume.external and volumes.find(places, volume.name) is None:
            yield _missing(loaded, "volume", key, volume.name)


def _missing(loaded: Loaded, kind: str, key: str, name: str) -> LoadError:
    node = loaded.root.find(f"{kind}s", key)
    return LoadError(f"{kind}s.{key}: external {kind} {name} does not exist", place=node.key_place if node else None,
                     hint=f"composer {kind} create {name}")
