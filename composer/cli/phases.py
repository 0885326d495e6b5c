"""Where the time went, as a table on stderr or as one JSON object."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from composer.cli.table import table
from composer.commands.profile import Report, Row

HEADINGS = ("PHASE", "COUNT", "SECONDS", "MEAN", "LONGEST", "")
PATH_HEADINGS = ("LONGEST WAY THROUGH THE PLAN", "SECONDS", "")


def show(report: Report) -> None:
    print(f"\n{text(report)}", file=sys.stderr)


def show_json(report: Report) -> None:
    print(json.dumps({"profile": asdict(report)}), file=sys.stderr)


def text(report: Report) -> str:
    """Indented rows are parts of the row above; they run side by side, so that their seconds may be more than it has."""
    rows = [*map(_cells, report.rows), ("all", "", _seconds(report.whole), "", "", "")]
    parts = [table(HEADINGS, rows)]
    if report.path:
        parts.append(table(PATH_HEADINGS, [(step, _seconds(seconds), cause) for step, cause, seconds in report.path]))
    return "\n\n".join(parts)


def _cells(row: Row) -> tuple[str, ...]:
    name = f"{'  ' * row.depth}{row.phase}"
    if not row.count:
        return name, "", _seconds(row.total), "", "", ""
    return name, str(row.count), _seconds(row.total), _seconds(row.total / row.count), _seconds(row.most), row.longest


def _seconds(value: float) -> str:
    return f"{value:.3f}"
