"""What a measurement hands back: a piece of the page, the figures that are watched, drawings. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure that may be at most `limit`."""

    figure: str
    limit: float
    measured: float
    unit: str = "s"

    @property
    def reached(self) -> bool:
        return self.measured <= self.limit


@dataclass(frozen=True, slots=True)
class Section:
    """`text` is Markdown; `drawings`: file name -> SVG."""

    title: str
    text: str
    goals: tuple[Goal, ...] = ()
    drawings: Mapping[str, str] = field(default_factory=dict)


def seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def number(value: float) -> str:
    """Three digits that matter, and no more zeros than there are."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [list(row) for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in [list(head), ["---"] * len(head), *lines])


def paragraphs(*parts: str) -> str:
    return "\n\n".join(part.strip() for part in parts if part)
