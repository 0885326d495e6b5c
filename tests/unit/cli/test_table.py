"""Tables, templates and quantities."""

from __future__ import annotations

import pytest

from composer.cli.looking import show
from composer.cli.table import binary, decimal, table

ROW = {"Name": "web", "Count": 3}


def test_columns_are_as_wide_as_what_is_in_them() -> None:
    """The last one has no blanks behind it."""
    assert table(("A", "LONG"), [("abc", "x"), ("b", "y")]) == "A     LONG\nabc   x\nb     y"


def test_a_template_can_be_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    """`table` before it; headings where fields stand."""
    show([ROW], r"table {{.Name}}\t{{.Count}}", {"Name": "NAME"})
    assert capsys.readouterr().out == "NAME   COUNT\nweb    3\n"


@pytest.mark.parametrize(("size", "text"), [(0, "0B"), (999, "999B"), (1500, "1.5kB"), (2129920, "2.13MB"), (5e15, "5e+03TB")])
def test_decimal(size: float, text: str) -> None:
    """As docker prints sizes of images."""
    assert decimal(size) == text


@pytest.mark.parametrize(("size", "text"), [(0, "0B"), (1536, "1.5KiB"), (64 << 20, "64MiB"), (25278 << 20, "24.69GiB")])
def test_binary(size: float, text: str) -> None:
    """As docker prints memory."""
    assert binary(size) == text
