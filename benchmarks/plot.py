"""A line chart as SVG: panels beside each other on one pair of logarithmic scales. The colours can be read on white and on black. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

#: In the order of the series; each has a contrast of at least 3 both to white and to GitHub's dark ground.
COLORS = ("#2f81f7", "#7d8590", "#db6d28", "#a371f7")
TEXT = "#7d8590"
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 290, 220, 42, 44, 52, 36
#: Between the values at the lines' ends.
LINE = 13.0

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Panel:
    """`series`: name -> (x, y), by rising x, all greater than 0."""

    title: str
    series: Mapping[str, Points]


@dataclass(frozen=True, slots=True)
class Scale:
    """A logarithmic axis from `low` to `high` over `length` pixels."""

    low: float
    high: float
    length: float

    def at(self, value: float) -> float:
        return (log10(value) - log10(self.low)) / (log10(self.high) - log10(self.low)) * self.length


def lines(panels: Sequence[Panel], names: Sequence[str]) -> str:
    """The document. Every panel has the same scales, so that they can be compared."""
    points = [point for panel in panels for series in panel.series.values() for point in series]
    across = Scale(*_ends([x for x, _ in points]), WIDTH - LEFT - RIGHT)
    up = Scale(*_decades([y for _, y in points]), HEIGHT)
    width, height = WIDTH * len(panels), TOP + HEIGHT + BOTTOM
    parts = [part for at, panel in enumerate(panels) for part in _panel(panel, WIDTH * at + LEFT, across, up)]
    keys = [part for at, name in enumerate(names) for part in _key(name, COLORS[at], LEFT + 140 * at)]
    font = f'font-family="sans-serif" font-size="11" fill="{TEXT}" text-anchor="middle"'
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {font}>', *keys, *parts, "</svg>"]) + "\n"


def _ends(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values, default=1.0), max(values, default=10.0)
    return (low, high) if low < high else (low / 2, high * 2)


def _decades(values: Sequence[float]) -> tuple[float, float]:
    """From one power of ten to another one."""
    low, high = min(values, default=1.0), max(values, default=10.0)
    return 10.0 ** floor(log10(low)), 10.0 ** max(ceil(log10(high)), floor(log10(low)) + 1)


def _panel(panel: Panel, left: float, across: Scale, up: Scale) -> list[str]:
    parts = [_text(left + across.length / 2, TOP - 14, f"{panel.title} (s)", weight="bold")]
    for power in range(round(log10(up.low)), round(log10(up.high)) + 1):
        y = TOP + HEIGHT - up.at(10.0**power)
        parts.append(f'<path d="M{left:.1f} {y:.1f}h{across.length:.1f}" stroke="{TEXT}" stroke-opacity="0.3"/>')
        parts.append(_text(left - 18, y + 4, f"{10.0**power:g}"))
    for x in sorted({x for series in panel.series.values() for x, _ in series}):
        parts.append(_text(left + across.at(x), TOP + HEIGHT + 18, f"{x:g}"))
    for number, series in enumerate(panel.series.values()):
        parts += _line([(left + across.at(x), TOP + HEIGHT - up.at(y)) for x, y in series], COLORS[number])
    return parts + _values(panel, left, across, up)


def _line(points: Points, color: str) -> list[str]:
    """With a dot at each point."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in points]
    return [f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>', *dots] if points else []


def _values(panel: Panel, left: float, across: Scale, up: Scale) -> list[str]:
    """The last value of each line beside its end; from above, each leaves room to the one before."""
    parts, lowest = [], 0.0
    ends = [(*series[-1], COLORS[number]) for number, series in enumerate(panel.series.values()) if series]
    for x, value, color in sorted(ends, key=lambda end: -end[1]):
        lowest = max(TOP + HEIGHT - up.at(value), lowest + LINE)
        shown = f"{value:.0f}" if value >= 10 else f"{value:.2g}"
        parts.append(f'<text x="{left + across.at(x) + 8:.1f}" y="{lowest + 4:.1f}" text-anchor="start" fill="{color}">{shown}</text>')
    return parts


def _key(name: str, color: str, x: float) -> list[str]:
    shape = f'<circle cx="{x + 5}" cy="14" r="5" fill="{color}"/>'
    return [shape, f'<text x="{x + 16}" y="18" text-anchor="start">{escape(name)}</text>']


def _text(x: float, y: float, text: str, *, weight: str = "normal") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-weight="{weight}">{escape(text)}</text>'
