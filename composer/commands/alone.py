"""What a `watch` asks before it builds and starts anything."""

from __future__ import annotations

from composer.store import ProjectPlaces
from composer.supervisor.client import connect


def alone(places: ProjectPlaces) -> None:
    """Refuse when another command watches the project; one that has just left is waited for."""
    client = connect(places)
    if client:
        try:
            client.call("unwatched", {}, lambda _event: None)
        finally:
            client.close()
