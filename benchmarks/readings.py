"""Everything that rounds of idle services leave, and who may make rounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from benchmarks.times import Times


@dataclass(slots=True)
class Readings:
    """`memory`: (tool, size) -> part -> KiB, while the services are up. `absent`: tool -> why it has no figures."""

    sizes: tuple[int, ...]
    times: Times = field(default_factory=Times)
    memory: dict[tuple[str, int], Mapping[str, int]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)


class Contender(Protocol):
    """Somebody who runs idle services."""

    @property
    def name(self) -> str: ...

    @property
    def least(self) -> int:
        """Rounds of each size, however long they take."""
        ...

    def round(self, size: int, readings: Readings) -> None:
        """One life of so many services: times into `readings`, nothing left afterwards."""
        ...
