"""Rows as a table, as JSON, or by a template of the user's, and quantities in Docker's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from composer.cli.template import FUNCTIONS, Template

Row = Mapping[str, object]


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, gap: str = "   ") -> str:
    """Columns as wide as what is in them."""
    lines = [tuple(headings), *map(tuple, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    return "\n".join(gap.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def by_template(template: str, rows: Sequence[Row]) -> str:
    """A line for each row."""
    parsed = Template.parse(template)
    return "".join(f"{parsed.render(row)}\n" for row in rows)


def by_template_table(template: str, rows: Sequence[Row], headings: Row) -> str:
    """`table {{.Name}}\\t{{.Status}}`: the columns are what stands between tabs; functions leave headings as they are."""
    parsed = Template.parse(template.removeprefix("table").strip())
    as_they_are = {**FUNCTIONS, **dict.fromkeys(("json", "upper", "lower", "title", "truncate", "join", "split"), _unchanged)}
    lines = [parsed.render(headings, functions=as_they_are), *map(parsed.render, rows)]
    columns = [line.split("\t") for line in lines]
    widest = max(map(len, columns))
    first, *others = [[*cells, *[""] * (widest - len(cells))] for cells in columns]
    return table(first, others)


def _unchanged(value: object, *_: object) -> object:
    return value


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
