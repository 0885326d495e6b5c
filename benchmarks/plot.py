"""A bar chart as SVG: panels beside each other, each with groups of bars on a scale of its own. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

#: In the order of the series.
COLORS = ("#2f6fb0", "#b8bcc2", "#e08a3c", "#6aa56a")
WIDTH, HEIGHT, MARGIN, TOP = 380, 200, 30, 52


@dataclass(frozen=True, slots=True)
class Panel:
    """`groups`: label below the group -> one value a series, None where there is none."""

    title: str
    groups: Mapping[str, Sequence[float | None]]


def bars(panels: Sequence[Panel], series: Sequence[str]) -> str:
    """The document."""
    width, height = WIDTH * len(panels), TOP + HEIGHT + MARGIN
    parts = [part for at, panel in enumerate(panels) for part in _panel(panel, WIDTH * at)]
    keys = [part for at, name in enumerate(series) for part in _key(name, COLORS[at], MARGIN + 130 * at)]
    font = 'font-family="sans-serif" font-size="11" text-anchor="middle"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {font}>'
    return "\n".join([head, f'<rect width="{width}" height="{height}" fill="white"/>', *keys, *parts, "</svg>"]) + "\n"


def _panel(panel: Panel, left: float) -> list[str]:
    top = max((value for group in panel.groups.values() for value in group if value is not None), default=1.0)
    room = (WIDTH - 2 * MARGIN) / max(len(panel.groups), 1)
    parts = [_text(left + WIDTH / 2, TOP - 14, panel.title, weight="bold")]
    for at, (label, group) in enumerate(panel.groups.items()):
        start = left + MARGIN + room * at
        parts.append(_text(start + room / 2, TOP + HEIGHT + 16, label))
        thick = room * 0.8 / max(len(group), 1)
        for number, value in enumerate(group):
            if value is not None:
                parts += _bar(start + room * 0.1 + thick * number, thick, value, value / top * (HEIGHT - 14), COLORS[number])
    return parts


def _bar(x: float, thick: float, value: float, high: float, color: str) -> list[str]:
    y = TOP + HEIGHT - high
    shape = f'<rect x="{x:.1f}" y="{y:.1f}" width="{thick * 0.92:.1f}" height="{high:.1f}" fill="{color}"/>'
    return [shape, _text(x + thick / 2, y - 3, f"{value:.2f}")]


def _key(name: str, color: str, x: float) -> list[str]:
    shape = f'<rect x="{x}" y="8" width="11" height="11" fill="{color}"/>'
    return [shape, f'<text x="{x + 16}" y="18" text-anchor="start">{escape(name)}</text>']


def _text(x: float, y: float, text: str, *, weight: str = "normal") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-weight="{weight}">{escape(text)}</text>'
