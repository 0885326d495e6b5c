"""Rows as a table, as JSON, or by a template of the user's, and quantities in Docker's words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from composer.errors import UsageError

Row = Mapping[str, object]
FIELD = re.compile(r"\{\{\s*(json\s+)?\.(\w*)\s*\}\}")


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, gap: str = "   ") -> str:
    """Columns as wide as what is in them."""
    lines = [tuple(headings), *map(tuple, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    return "\n".join(gap.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def by_template(template: str, row: Row) -> str:
    """Go's `{{.Field}}`, `{{json .Field}}` and `{{json .}}`, which is what scripts use; anything else of that language is refused."""

    def value(match: re.Match[str]) -> str:
        as_json, name = match.groups()
        if name and name not in row:
            raise UsageError(f"--format: no field .{name}", hint=f"there are {', '.join('.' + key for key in row)}")
        found = row[name] if name else dict(row)
        return json.dumps(found) if as_json else str(found)

    text = FIELD.sub(value, template)
    if "{{" in FIELD.sub("", template):
        raise UsageError(f"--format {template}: only fields ({{{{.Name}}}}, {{{{json .}}}}) are understood")
    return text.replace("\\t", "\t").replace("\\n", "\n")


def by_template_table(template: str, rows: Sequence[Row], headings: Mapping[str, str]) -> str:
    """`table {{.Name}}\\t{{.Status}}`: the columns are what stands between tabs."""
    columns = template.removeprefix("table").strip().replace("\\t", "\t").split("\t")
    return table([by_template(column, headings) for column in columns], [[by_template(column, row) for column in columns] for row in rows])


def decimal(size: float) -> str:
    """1.5kB, 20MB: go-units' HumanSizeWithPrecision, 3 digits."""
    return _human(size, 1000, ("B", "kB", "MB", "GB", "TB"), 3)


def binary(size: float) -> str:
    """1.5KiB, 20MiB: go-units' BytesSize, 4 digits."""
    return _human(size, 1024, ("B", "KiB", "MiB", "GiB", "TiB"), 4)


def _human(size: float, base: int, units: Sequence[str], digits: int) -> str:
    for unit in units[:-1]:
        if size < base:
            return f"{size:.{digits}g}{unit}"
        size /= base
    return f"{size:.{digits}g}{units[-1]}"
