"""Puts the four drivers together: the only place that names them. Heavy libraries are imported by the drivers when first used."""

from __future__ import annotations

from composer.host import Host
from composer.images.driver import ImageStore
from composer.network.driver import SandboxNetwork
from composer.runtime.driver import OciRuntime
from composer.storage.driver import LocalStorage
from composer.store import ProjectPlaces


def open_host(places: ProjectPlaces) -> Host:
    """The machine, as this project sees it."""
    return Host(network=SandboxNetwork(places), storage=LocalStorage(places), images=ImageStore(places.top), runtime=OciRuntime(places))
